//! Conversations and answers, without a server.

mod common;

use common::{TEMPLATE, with_speaker};
use nda_chat::{ChatError, Conversation, Event, Finish, Manner, Role};
use nda_engine::Sampling;
use std::ops::ControlFlow;
use std::time::Duration;

fn manner(max_tokens: usize) -> Manner {
    Manner { max_tokens: Some(max_tokens), ..Manner::new(Sampling::GREEDY) }
}

fn go_on(_: Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const WITH_TEMPLATE: &[(&str, &str)] = &[("chat_template", TEMPLATE)];

#[test]
fn a_second_turn_takes_only_what_is_new_and_says_what_a_fresh_session_says() {
    let (first, second) = with_speaker(WITH_TEMPLATE, Duration::ZERO, |speaker, dialect| {
        let mut talk = Conversation::new(speaker, dialect.unwrap(), Some("You are old.".into()));
        let first = talk.say("Who are you?", &manner(12), go_on).unwrap();
        let second = talk.say("And I?", &manner(12), go_on).unwrap();
        assert_eq!(
            talk.messages().iter().map(|m| m.role).collect::<Vec<_>>(),
            [Role::System, Role::User, Role::Assistant, Role::User, Role::Assistant]
        );
        (first, second)
    });
    assert_eq!((first.kept_tokens, first.drawn_tokens, first.finish), (0, 12, Finish::Length));
    // All but the last token drawn, which was not taken yet.
    assert_eq!(second.kept_tokens, first.prompt_tokens + 11);
    let text = format!("s: You are old.\nu: Who are you?\na: {}\nu: And I?\na: ", first.text);
    with_speaker(WITH_TEMPLATE, Duration::ZERO, |mut speaker, _| {
        let prompt = speaker.plain(&text).unwrap();
        let fresh = speaker.answer(&prompt, &manner(12), go_on).unwrap();
        assert_eq!((fresh.text.as_str(), fresh.prompt_tokens, fresh.kept_tokens), (second.text.as_str(), second.prompt_tokens, 0));
        // Another text with the same beginning keeps that beginning; the same text keeps all but its last token.
        let other = speaker.plain("s: You are young.").unwrap();
        assert_eq!(speaker.answer(&other, &manner(1), go_on).unwrap().kept_tokens, "s: You are ".len());
        let again = speaker.answer(&other, &manner(1), go_on).unwrap();
        assert_eq!(again.kept_tokens, other.len() - 1);
    });
}

#[test]
fn an_interrupted_answer_is_part_of_the_talk_and_a_turn_without_one_was_never_said() {
    with_speaker(WITH_TEMPLATE, Duration::ZERO, |speaker, dialect| {
        let mut talk = Conversation::new(speaker, dialect.unwrap(), None);
        let mut left = 5;
        let answer = talk.say("Hello", &manner(50), |event| {
            left -= usize::from(matches!(event, Event::Text(_)));
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let answer = answer.unwrap();
        assert_eq!((answer.finish, answer.drawn_tokens, talk.messages().len()), (Finish::Interrupted, 5, 2));
        assert_eq!(talk.messages()[1].content, answer.text);
        let silent = talk.say("Hello", &manner(50), |_| ControlFlow::Break(())).unwrap();
        assert_eq!((silent.finish, silent.text.as_str(), talk.messages().len()), (Finish::Interrupted, "", 2));
        let long = talk.say(&"word ".repeat(200), &manner(5), go_on).unwrap_err();
        assert!(matches!(long, ChatError::TooLong { context: 256, .. }), "{long}");
        assert_eq!(talk.messages().len(), 2);
        talk.reset();
        assert!(talk.messages().is_empty());
        assert!(talk.say("Hello", &manner(3), go_on).is_ok());
    });
}

#[test]
fn answers_end_at_stops_at_end_tokens_and_at_the_end_of_the_context() {
    let text = with_speaker(&[], Duration::ZERO, |mut speaker, dialect| {
        assert!(matches!(dialect, Err(ChatError::NoTemplate)));
        let prompt = speaker.plain("She was ").unwrap();
        let mut heard = String::new();
        let full = speaker
            .answer(&prompt, &Manner { max_tokens: None, ..manner(0) }, |event| {
                if let Event::Text(text) = event {
                    heard.push_str(text);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        // The token that fills the last position predicts one more.
        assert_eq!((full.finish, full.prompt_tokens + full.drawn_tokens), (Finish::Length, speaker.context() + 1));
        assert_eq!(heard, full.text);
        let stop: String = full.text.chars().skip(9).take(4).collect();
        let stopped = speaker.answer(&prompt, &Manner { stops: vec![stop.clone()], ..manner(200) }, go_on).unwrap();
        assert_eq!((stopped.finish, stopped.text.as_str()), (Finish::Stop, &full.text[..full.text.find(&stop).unwrap()]));
        assert!(matches!(speaker.answer(&[], &manner(1), go_on), Err(ChatError::Engine(_))));
        full.text
    });
    let end = text.as_bytes()[6];
    with_speaker(&[("eos_tokens", end.to_string().leak())], Duration::ZERO, |mut speaker, _| {
        let prompt = speaker.plain("She was ").unwrap();
        let ended = speaker.answer(&prompt, &manner(200), go_on).unwrap();
        let expected = &text[..text.find(char::from(end)).unwrap()];
        assert_eq!((ended.text.as_str(), ended.finish, ended.drawn_tokens), (expected, Finish::Stop, expected.len() + 1));
    });
}
