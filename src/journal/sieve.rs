//! Which finished segment files may hold a message that came before: one look for all of them, so that taking a message
//! costs the same behind one file and behind hundreds.
//!
//! Each file has a [`Filter`] of its dedup hashes. Filters of one size lie side by side, word by word: the words that a
//! hash falls on are neighbours in memory for sixteen files at a time.

use std::cmp::Reverse;

/// How many filters lie side by side.
const COLUMNS: usize = 16;

/// What may be in a segment file: 32 to 64 bits a hash, and less than one false answer in 10,000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter(Vec<u64>);

/// The two words of a filter of `words` (a power of two) that a hash falls on, each with its bits.
fn places(hash: u64, words: usize) -> [(usize, u64); 2] {
    let word = |hash: u64| {
        let place = (u128::from(hash) * words as u128) >> 64;
        usize::try_from(place).unwrap_or(0)
    };
    let bits = |hash: u64| (0..4).fold(0, |mask, n| mask | 1_u64 << ((hash >> (6 * n)) & 63));
    // An odd number with bits all over: the second word says nothing about the first.
    let other = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [(word(hash), bits(hash)), (word(other), bits(hash >> 24))]
}

impl Filter {
    pub(crate) fn of(hashes: &[u64]) -> Self {
        let mut words = vec![0; (hashes.len() / 2).next_power_of_two()];
        for hash in hashes {
            for (word, bits) in places(*hash, words.len()) {
                if let Some(word) = words.get_mut(word) {
                    *word |= bits;
                }
            }
        }
        Self(words)
    }

    /// A filter as it was written; none has another size than a power of two.
    pub(crate) fn from_words(words: Vec<u64>) -> Option<Self> {
        words.len().is_power_of_two().then_some(Self(words))
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }
}

#[derive(Debug, Clone, Copy)]
struct Column {
    segment: u32,
    /// When its newest entry was received, microseconds since 1970.
    newest: i64,
}

/// Up to sixteen filters of one size.
#[derive(Debug)]
struct Block {
    columns: [Option<Column>; COLUMNS],
    /// [`COLUMNS`] words for each word of a filter.
    cells: Vec<[u64; COLUMNS]>,
}

/// The filters of the finished segment files, and those files whose filter was not read yet.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    blocks: Vec<Block>,
    /// By their newest entry, youngest first.
    unread: Vec<(i64, u32)>,
}

impl Sieve {
    /// Without filters, for files that were there before: the time of the newest entry and the number of each.
    pub(crate) fn unread(mut files: Vec<(i64, u32)>) -> Self {
        files.sort_unstable_by_key(|file| Reverse(*file));
        Self {
            blocks: Vec::new(),
            unread: files,
        }
    }

    /// Takes the filter of a segment file in; `newest` is when its newest entry was received.
    pub(crate) fn insert(&mut self, segment: u32, newest: i64, filter: &Filter) {
        self.remove(segment);
        let fits = |block: &&mut Block| {
            block.cells.len() == filter.0.len() && block.columns.iter().any(Option::is_none)
        };
        let block = if let Some(block) = self.blocks.iter_mut().find(fits) {
            block
        } else {
            let cells = vec![[0; COLUMNS]; filter.0.len()];
            self.blocks.push(Block {
                columns: [None; COLUMNS],
                cells,
            });
            let Some(block) = self.blocks.last_mut() else {
                return;
            };
            block
        };
        let Some(free) = block.columns.iter().position(Option::is_none) else {
            return;
        };
        if let Some(column) = block.columns.get_mut(free) {
            *column = Some(Column { segment, newest });
        }
        for (cell, word) in block.cells.iter_mut().zip(&filter.0) {
            if let Some(cell) = cell.get_mut(free) {
                *cell = *word;
            }
        }
    }

    /// Forgets a segment file.
    pub(crate) fn remove(&mut self, segment: u32) {
        self.unread.retain(|(_, number)| *number != segment);
        for block in &mut self.blocks {
            for column in &mut block.columns {
                column.take_if(|column| column.segment == segment);
            }
        }
        self.blocks
            .retain(|block| block.columns.iter().any(Option::is_some));
    }

    /// The segment files that may hold `hash` in an entry received at `since` or later, the newest file first. Those
    /// whose filter was not read are among them.
    pub(crate) fn candidates(&self, hash: u64, since: i64) -> Vec<u32> {
        let young = self
            .unread
            .iter()
            .take_while(|(newest, _)| *newest >= since);
        let mut found: Vec<u32> = young.map(|(_, number)| *number).collect();
        for block in &self.blocks {
            let [first, second] = places(hash, block.cells.len());
            let (Some(one), Some(two)) = (block.cells.get(first.0), block.cells.get(second.0))
            else {
                continue;
            };
            for ((column, one), two) in block.columns.iter().zip(one).zip(two) {
                let held = one & first.1 == first.1 && two & second.1 == second.1;
                if let Some(column) = column.filter(|column| held && column.newest >= since) {
                    found.push(column.segment);
                }
            }
        }
        found.sort_unstable_by_key(|number| Reverse(*number));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern.
    fn hashes(from: u64, count: u64) -> Vec<u64> {
        let mix = |n: u64| blake3::hash(&n.to_le_bytes()).as_bytes()[..8].to_vec();
        let hashes = (from..from + count).map(mix);
        hashes
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
            .collect()
    }

    #[test]
    fn every_file_that_holds_a_hash_is_named_and_hardly_any_other() {
        let mut sieve = Sieve::default();
        let files: Vec<Vec<u64>> = (0..70)
            .map(|file| hashes(file * 10_000, 100 + 40 * file))
            .collect();
        for (number, hashes) in (0..).zip(&files) {
            sieve.insert(number, i64::from(number), &Filter::of(hashes));
        }
        for (number, hashes) in (0..).zip(&files) {
            for hash in hashes {
                assert!(sieve.candidates(*hash, 0).contains(&number));
            }
        }
        let strange = hashes(10_000_000, 2000);
        let named: usize = strange
            .iter()
            .map(|hash| sieve.candidates(*hash, 0).len())
            .sum();
        assert!(named < 14, "{named} of 140,000 were false");
    }

    #[test]
    fn what_is_too_old_or_gone_is_not_named_and_what_was_not_read_is() {
        let mut sieve = Sieve::unread(vec![(5, 1), (9, 3), (7, 2)]);
        assert_eq!(sieve.candidates(4711, 6), [3, 2]);
        let filter = Filter::of(&[4711]);
        for number in [1, 2, 3, 4] {
            sieve.insert(number, 10 + i64::from(number), &filter);
        }
        assert_eq!(sieve.candidates(4711, 12), [4, 3, 2]);
        sieve.remove(3);
        assert_eq!(sieve.candidates(4711, 12), [4, 2]);
        sieve.insert(5, 20, &filter);
        assert_eq!(sieve.candidates(4711, 0), [5, 4, 2, 1]);
        assert_eq!(Filter::from_words(filter.words().to_vec()), Some(filter));
        assert_eq!(Filter::from_words(vec![0; 3]), None);
    }
}
