//! Inputs made of those of a corpus by small changes; the same ones for the same seed.

/// Makes one input after another.
#[derive(Debug)]
pub(super) struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    words: &'a [&'a str],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// The seed is the name of the target.
    pub(super) fn new(seed: &str, corpus: &'a [Vec<u8>], words: &'a [&'a str]) -> Self {
        let state = seed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            corpus,
            words,
            state,
        }
    }

    /// An input of the corpus with one to eight changes.
    pub(super) fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input
    }

    /// Every input of the corpus and every word, repeated up to this length (bytes).
    pub(super) fn long(&self, length: usize) -> impl Iterator<Item = Vec<u8>> {
        let words = self.words.iter().map(|word| word.as_bytes());
        let seeds = self.corpus.iter().map(Vec::as_slice).take(SEEDS_GROWN);
        let pieces: Vec<&[u8]> = seeds.chain(words).filter(|it| !it.is_empty()).collect();
        let grown = move |piece: &[u8]| piece.iter().copied().cycle().take(length).collect();
        pieces.into_iter().map(grown)
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let length = self.below(8.min(input.len() - at) + 1);
        match self.below(10) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => drop(input.drain(at..at + length)),
            3 => input.insert(at, self.byte()),
            4 => input.truncate(at),
            // A part of it, once or many times more.
            5 => {
                let part = input[at..at + length].repeat(1 + self.below(20));
                input.splice(at..at, part);
            }
            // The end of another one.
            6 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            7 => {
                let number = NUMBERS[self.below(NUMBERS.len())];
                input.splice(at..at + length, number.bytes());
            }
            _ => {
                let word = self.words.get(self.below(self.words.len().max(1)));
                let word = word.copied().unwrap_or_default();
                input.splice(at..at + length, word.bytes());
            }
        }
        input.truncate(LONGEST);
    }

    fn seed(&mut self) -> &'a [u8] {
        let chosen = self.below(self.corpus.len());
        &self.corpus[chosen]
    }

    fn byte(&mut self) -> u8 {
        let any = self.next().to_le_bytes()[0];
        // As often one that means something to a parser.
        let known = BYTES[self.below(BYTES.len())];
        if self.below(2) == 0 { any } else { known }
    }

    /// At least 0, less than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// `SplitMix64` (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What parsers stop at, and what is no text.
const BYTES: &[u8] = b"\0\n\r\t \"'\\/:;,=<>[]{}()#%&?@*!|-+.0AZaz\x1b\x7f\x80\xc0\xe2\xff";

const NUMBERS: [&str; 9] = [
    "0",
    "-1",
    "65536",
    "2147483648",
    "9223372036854775808",
    "18446744073709551616",
    "1e309",
    "NaN",
    "0.0000001",
];

/// Bytes of an input that is changed.
const LONGEST: usize = 16 * 1024;
/// How many inputs of a corpus are grown.
const SEEDS_GROWN: usize = 20;
