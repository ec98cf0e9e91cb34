//! What the tile store holds, page by page, and how the device is made to hold it.

use crate::error::DeviceError;
use crate::session::Driver;
use crate::transport::Transport;
use nda_spec::wire::PageDigest;
use std::ops::Range;

/// Uploads of one set of pages before the link or the board counts as faulty.
const MAX_UPLOADS: u32 = 16;

/// What is known of a page on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Nothing was said about this page in this session; an earlier session may have written it.
    Nothing,
    /// It held its contents once; something happened since.
    Doubtful,
    /// It holds something else.
    Different,
    /// It was sealed with its contents.
    Sealed,
}

#[derive(Debug, Clone)]
struct Page {
    bytes: Vec<u8>,
    crc: u32,
    known: Known,
}

/// The host's image of the tile store: the source of truth for every page in use.
#[derive(Debug)]
pub(crate) struct Store {
    page_words: usize,
    word_bytes: usize,
    pages: Vec<Option<Page>>,
}

impl Store {
    pub(crate) fn new(pages: usize, page_words: usize, word_bytes: usize) -> Store {
        Store { page_words, word_bytes, pages: vec![None; pages] }
    }

    pub(crate) fn page_bytes(&self) -> usize {
        self.page_words * self.word_bytes
    }

    /// The pages that words lie on.
    pub(crate) fn pages_of(&self, words: Range<usize>) -> Range<usize> {
        words.start / self.page_words..words.end.div_ceil(self.page_words)
    }

    /// Sets the contents of words in the image; the device follows at the next [`Self::settle`].
    pub(crate) fn stage(&mut self, first_word: usize, bytes: &[u8]) {
        let page_bytes = self.page_bytes();
        let (mut at, mut rest) = (first_word * self.word_bytes, bytes);
        while !rest.is_empty() {
            let (page, offset) = (at / page_bytes, at % page_bytes);
            let (now, later) = rest.split_at(rest.len().min(page_bytes - offset));
            self.stage_page(page, offset, now);
            (at, rest) = (at + now.len(), later);
        }
    }

    fn stage_page(&mut self, page: usize, offset: usize, bytes: &[u8]) {
        let empty = || Page { bytes: vec![0; self.page_words * self.word_bytes], crc: 0, known: Known::Nothing };
        let is_new = self.pages[page].is_none();
        let page = self.pages[page].get_or_insert_with(empty);
        let place = &mut page.bytes[offset..offset + bytes.len()];
        if !is_new && place == bytes {
            return;
        }
        place.copy_from_slice(bytes);
        page.crc = crc32fast::hash(&page.bytes);
        if page.known != Known::Nothing {
            page.known = Known::Different;
        }
    }

    /// What a request names these pages' contents by.
    pub(crate) fn digest(&self, pages: impl Iterator<Item = usize>) -> u32 {
        PageDigest::of(pages.map(|page| self.pages[page].as_ref().map_or(0, |page| page.crc)))
    }

    /// Pages among these that the device is not known to hold.
    pub(crate) fn unsettled(&self, pages: Range<usize>) -> usize {
        self.pages[pages].iter().flatten().filter(|page| page.known != Known::Sealed).count()
    }

    /// These pages must be looked at before they are used again.
    pub(crate) fn doubt(&mut self, pages: Range<usize>) {
        for page in self.pages[pages].iter_mut().flatten().filter(|page| page.known == Known::Sealed) {
            page.known = Known::Doubtful;
        }
    }

    /// Makes the device hold these pages, sealed. `progress` gets bytes done and bytes in all.
    pub(crate) fn settle<T: Transport>(
        &mut self,
        driver: &mut Driver<T>,
        pages: Range<usize>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), DeviceError> {
        if self.unsettled(pages.clone()) == 0 {
            return Ok(());
        }
        for _ in 0..MAX_UPLOADS {
            self.probe(driver, pages.clone())?;
            self.upload(driver, pages.clone(), progress)?;
            if self.unsettled(pages.clone()) == 0 {
                return Ok(());
            }
        }
        let what = format!("sealing pages {} to {}", pages.start, pages.end - 1);
        Err(DeviceError::Unsettled { device: driver.describe().into(), what, tries: MAX_UPLOADS })
    }

    /// Asks the device whether it holds pages already: from an earlier session, or from before a doubt.
    fn probe<T: Transport>(&mut self, driver: &mut Driver<T>, pages: Range<usize>) -> Result<(), DeviceError> {
        let batch = usize::from(driver.ident().slots.max(1));
        let doubtful = self.pages_that(pages.clone(), |known| known == Known::Doubtful);
        self.seal(driver, &doubtful)?;
        let unknown = self.pages_that(pages, |known| known == Known::Nothing);
        for (i, some) in unknown.chunks(batch).enumerate() {
            if self.seal(driver, some)? {
                continue;
            }
            // An earlier session left something else: the rest would not be ours either.
            for &page in unknown.iter().skip((i + 1) * batch) {
                self.set(page, Known::Different);
            }
            break;
        }
        Ok(())
    }

    fn upload<T: Transport>(
        &mut self,
        driver: &mut Driver<T>,
        pages: Range<usize>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), DeviceError> {
        let different = self.pages_that(pages, |known| known == Known::Different);
        let total = (different.len() * self.page_bytes()) as u64;
        let mut done = 0;
        for run in different.chunk_by(|a, b| a + 1 == *b) {
            let bytes: Vec<u8> =
                run.iter().filter_map(|&page| self.pages[page].as_ref()).flat_map(|page| page.bytes.iter().copied()).collect();
            driver.write(run[0] * self.page_words, &bytes, |n| {
                done += n as u64;
                progress(done, total);
            })?;
        }
        self.seal(driver, &different)?;
        Ok(())
    }

    /// Seals pages and notes which the device holds; returns whether it holds them all.
    fn seal<T: Transport>(&mut self, driver: &mut Driver<T>, pages: &[usize]) -> Result<bool, DeviceError> {
        let expected: Vec<(usize, u32)> = pages.iter().map(|&page| (page, self.pages[page].as_ref().map_or(0, |p| p.crc))).collect();
        // What a failed exchange leaves behind is not known.
        pages.iter().for_each(|&page| self.set(page, Known::Different));
        let sealed = driver.seal(&expected)?;
        for (&page, &held) in pages.iter().zip(&sealed) {
            self.set(page, if held { Known::Sealed } else { Known::Different });
        }
        Ok(sealed.into_iter().all(|held| held))
    }

    fn pages_that(&self, pages: Range<usize>, wanted: impl Fn(Known) -> bool) -> Vec<usize> {
        pages.filter(|&page| self.pages[page].as_ref().is_some_and(|p| wanted(p.known))).collect()
    }

    fn set(&mut self, page: usize, known: Known) {
        if let Some(page) = &mut self.pages[page] {
            page.known = known;
        }
    }
}
