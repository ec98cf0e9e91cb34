//! The date, as templates ask for it.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const SECONDS_A_DAY: u64 = 86_400;

/// A time in UTC, in the format of C's `strftime`: the codes `%a %A %b %B %d %H %I %j %m %M %p %S %y %Y %%`, with `-`
/// after the percent sign for a number without zeros in front. Other codes stay as they are. Times before 1970 are 1970.
pub(crate) fn format(time: SystemTime, format: &str) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let moment = Moment::new(seconds);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut code = rest.next();
        let is_bare = code == Some('-');
        if is_bare {
            code = rest.next();
        }
        match code.and_then(|code| moment.field(code)) {
            Some(field) if is_bare => text.push_str(bare(&field)),
            Some(field) => text.push_str(&field),
            None => text.extend(['%'].into_iter().chain(is_bare.then_some('-')).chain(code)),
        }
    }
    text
}

/// A number without the zeros in front of it.
fn bare(field: &str) -> &str {
    match field.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    }
}

struct Moment {
    year: u64,
    /// From 0.
    month: usize,
    /// From 1.
    day: u64,
    /// From 1.
    day_of_year: u64,
    weekday: usize,
    second_of_day: u64,
}

impl Moment {
    fn new(seconds: u64) -> Moment {
        let days = seconds / SECONDS_A_DAY;
        let (mut year, mut left) = (1970, days);
        // Whole cycles of the calendar first, so that the loop ends within 400 years.
        year += left / 146_097 * 400;
        left %= 146_097;
        while left >= days_of_year(year) {
            left -= days_of_year(year);
            year += 1;
        }
        let day_of_year = left + 1;
        let mut month = 0;
        while left >= days_of_month(year, month) {
            left -= days_of_month(year, month);
            month += 1;
        }
        // 1 January 1970 was a Thursday.
        let weekday = ((days + 4) % 7) as usize;
        Moment { year, month, day: left + 1, day_of_year, weekday, second_of_day: seconds % SECONDS_A_DAY }
    }

    fn field(&self, code: char) -> Option<String> {
        let (month, day) = (MONTHS[self.month], DAYS[self.weekday]);
        let hour = self.second_of_day / 3600;
        Some(match code {
            'a' => day[..3].into(),
            'A' => day.into(),
            'b' => month[..3].into(),
            'B' => month.into(),
            'd' => format!("{:02}", self.day),
            'H' => format!("{hour:02}"),
            'I' => format!("{:02}", (hour + 11) % 12 + 1),
            'j' => format!("{:03}", self.day_of_year),
            'm' => format!("{:02}", self.month + 1),
            'M' => format!("{:02}", self.second_of_day / 60 % 60),
            'p' => if hour < 12 { "AM" } else { "PM" }.into(),
            'S' => format!("{:02}", self.second_of_day % 60),
            'y' => format!("{:02}", self.year % 100),
            'Y' => self.year.to_string(),
            '%' => "%".into(),
            _ => return None,
        })
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, text: &str) -> String {
        format(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), text)
    }

    #[test]
    fn dates_are_those_of_gnu_date() {
        // date -u -d @SECONDS +'%A %d %b %Y %j %H:%M:%S'
        let format = "%A %d %b %Y %j %H:%M:%S";
        assert_eq!(at(0, format), "Thursday 01 Jan 1970 001 00:00:00");
        assert_eq!(at(951_827_696, format), "Tuesday 29 Feb 2000 060 12:34:56");
        assert_eq!(at(1_735_689_599, format), "Tuesday 31 Dec 2024 366 23:59:59");
        assert_eq!(at(4_107_542_400, format), "Monday 01 Mar 2100 060 00:00:00");
        assert_eq!(at(12_622_780_800, format), "Thursday 01 Jan 2370 001 00:00:00");
    }

    #[test]
    fn codes_that_there_are_not_stay_and_a_minus_drops_zeros() {
        assert_eq!(at(0, "%-d %-m %-H %-j %I%p %y %a %B %%"), "1 1 0 1 12AM 70 Thu January %");
        assert_eq!(at(0, "%Q %-Q é%"), "%Q %-Q é%");
    }
}
