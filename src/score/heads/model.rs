//! The trained model: a table of weights, one row for each hashed feature and one lane for each class of a head.
//!
//! A class's margin on a post is its bias plus the weights of the post's features over the length of its vector: what
//! a linear support vector machine says. Margins become probabilities by a softmax (with one lane, the logistic
//! function) whose slope and offset were fitted on posts kept out of training. `tests/train` makes the table;
//! `model/README.md` is its card. Pure; loaded once a process.

use std::sync::LazyLock;

use crate::score::features::grams::{Grams, ROWS};

/// Weights of one feature, for all classes of all heads.
pub const LANES: usize = 16;
/// The first bytes of an artefact: what it is, and its version.
pub const MAGIC: [u8; 8] = *b"BDMODEL2";
/// Bits of the set of known words: one in 30 unknown words is taken for known.
pub const KNOWN_BITS: u32 = 20;
/// Rows whose sums cannot overflow sixteen bits.
const BLOCK_ROWS: usize = i16::MAX as usize / 128;
const NUMBER_BYTES: usize = size_of::<f32>();

/// The model of this binary.
pub static MODEL: LazyLock<Model> = LazyLock::new(|| {
    Model::read(include_bytes!("model/scores.bin")).expect("the tests read the artefact of this build")
});

/// What a group of lanes decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Negative, neutral, positive; English.
    English,
    /// The same for the other languages of the training data.
    Languages,
    /// A complaint or not.
    Complaint,
    /// Wants to buy or not.
    Lead,
    /// Meant as it is written or not.
    Irony,
    /// Insults somebody, or is foul.
    Insult,
    /// Hates women, migrants or other groups.
    Hate,
    /// Tells of a disaster or not.
    Disaster,
    /// In a disaster: somebody must act at once.
    Urgency,
}

impl Head {
    /// All heads, in the order of their lanes.
    pub const ALL: [Self; 9] = [
        Self::English,
        Self::Languages,
        Self::Complaint,
        Self::Lead,
        Self::Irony,
        Self::Insult,
        Self::Hate,
        Self::Disaster,
        Self::Urgency,
    ];

    /// Number of lanes; with one, the head decides between no and yes.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self {
            Self::English | Self::Languages => 3,
            _ => 1,
        }
    }

    /// The first of its lanes.
    #[must_use]
    pub const fn first_lane(self) -> usize {
        match self {
            Self::English => 0,
            Self::Languages => 3,
            single => 4 + single as usize,
        }
    }
}

/// One number for each lane.
pub type Lanes = [f32; LANES];
/// Weights, added up by lane.
pub type Sums = [i32; LANES];

/// What brings sums of weights to probabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scale {
    /// What one step of a weight is worth.
    pub steps: Lanes,
    /// Added to the sums.
    pub biases: Lanes,
    /// What a margin is multiplied by, before the softmax.
    pub slopes: Lanes,
    /// What is added then.
    pub offsets: Lanes,
}

/// The weights, and the words that training has seen.
#[derive(Debug)]
pub struct Model {
    rows: Vec<[i8; LANES]>,
    scale: Scale,
    known: Vec<u8>,
}

impl Model {
    /// Reads an artefact; `None` when it is none, or of another version or size.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (numbers, rest) = rest.split_at_checked(4 * LANES * NUMBER_BYTES)?;
        let (known, table) = rest.split_at_checked(1 << (KNOWN_BITS - 3))?;
        if table.len() != ROWS * LANES {
            return None;
        }
        let mut numbers = numbers
            .chunks_exact(NUMBER_BYTES)
            .map(|number| f32::from_le_bytes([number[0], number[1], number[2], number[3]]));
        let mut lanes = || -> Lanes { std::array::from_fn(|_| numbers.next().unwrap_or_default()) };
        let scale = Scale { steps: lanes(), biases: lanes(), slopes: lanes(), offsets: lanes() };
        let row = |row: &[u8]| std::array::from_fn(|lane| row[lane].cast_signed());
        let rows = table.chunks_exact(LANES).map(row).collect();
        Some(Self { rows, scale, known: known.to_vec() })
    }

    /// The artefact that [`Model::read`] reads.
    #[must_use]
    pub fn write(scale: &Scale, known: &[u8], rows: &[[i8; LANES]]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for lanes in [scale.steps, scale.biases, scale.slopes, scale.offsets] {
            bytes.extend(lanes.iter().flat_map(|number| number.to_le_bytes()));
        }
        bytes.extend(known);
        bytes.extend(rows.iter().flatten().map(|weight| weight.cast_unsigned()));
        bytes
    }

    /// What [`Model::write`] wrote it from.
    #[must_use]
    pub fn parts(&self) -> (Scale, &[u8], &[[i8; LANES]]) {
        (self.scale, &self.known, &self.rows)
    }

    /// Adds the weights of the features in these rows to `sums`.
    pub fn add(&self, rows: &[u32], sums: &mut Sums) {
        for rows in rows.chunks(BLOCK_ROWS) {
            let mut block = [0_i16; LANES];
            for &row in rows {
                let weights = &self.rows[row as usize];
                block.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += i16::from(weight));
            }
            sums.iter_mut().zip(block).for_each(|(sum, block)| *sum += i32::from(block));
        }
    }

    /// The margins of a post whose features weigh `sums`, in a vector of this length.
    #[must_use]
    pub fn margins(&self, sums: &Sums, length: f32) -> Lanes {
        std::array::from_fn(|lane| {
            self.scale.biases[lane] + sums[lane] as f32 * self.scale.steps[lane] / length
        })
    }

    /// The probabilities of the classes of `head`, which has `N` lanes.
    #[must_use]
    pub fn probabilities<const N: usize>(&self, margins: &Lanes, head: Head) -> [f32; N] {
        let scaled: [f32; N] = std::array::from_fn(|at| self.scaled(margins, head.first_lane() + at));
        let highest = scaled.iter().fold(f32::MIN, |highest, &one| highest.max(one));
        let powers = scaled.map(|one| (one - highest).exp());
        let sum: f32 = powers.iter().sum();
        powers.map(|power| power / sum)
    }

    /// The probability that `head`, which has one lane, says yes.
    #[must_use]
    pub fn probability(&self, margins: &Lanes, head: Head) -> f32 {
        1.0 / (1.0 + (-self.scaled(margins, head.first_lane())).exp())
    }

    fn scaled(&self, margins: &Lanes, lane: usize) -> f32 {
        margins[lane] * self.scale.slopes[lane] + self.scale.offsets[lane]
    }

    /// The share of a post's words that training has seen, 0–1; 0 without words.
    #[must_use]
    pub fn known_share(&self, grams: &Grams) -> f32 {
        let is_known = |&&word: &&u64| {
            let (byte, bit) = known_place(word);
            self.known[byte] & bit != 0
        };
        let known = grams.words().iter().filter(is_known).count();
        known as f32 / grams.words().len().max(1) as f32
    }
}

/// The byte and the bit that stand for a word in the set of known words.
#[must_use]
pub const fn known_place(word: u64) -> (usize, u8) {
    // Other bits than those that choose a row.
    let place = (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - KNOWN_BITS)) as usize;
    (place / 8, 1 << (place % 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artefact(weight: i8) -> Vec<u8> {
        let scale = Scale { steps: [0.5; LANES], slopes: [1.0; LANES], ..Scale::default() };
        let known = vec![0b10; 1 << (KNOWN_BITS - 3)];
        Model::write(&scale, &known, &vec![[weight; LANES]; ROWS])
    }

    #[test]
    fn an_artefact_is_read_as_it_was_written_and_no_other() {
        let bytes = artefact(3);
        let model = Model::read(&bytes).unwrap();
        assert_eq!((model.rows[7], model.scale.steps[2]), ([3; LANES], 0.5));
        assert!(Model::read(&bytes[..bytes.len() - 1]).is_none());
        assert!(Model::read(&[b"BDMODEL0", &bytes[8..]].concat()).is_none());
        assert!(Model::read(b"").is_none());
    }

    #[test]
    fn the_embedded_artefact_is_whole_and_of_this_version() {
        assert_eq!(MODEL.rows.len(), ROWS);
        for lane in Head::ALL.into_iter().flat_map(|head| head.first_lane()..head.first_lane() + head.lanes())
        {
            assert!(MODEL.scale.steps[lane] > 0.0 && MODEL.scale.slopes[lane] > 0.0, "lane {lane}");
        }
    }

    #[test]
    fn no_number_of_features_overflows_a_sum() {
        let model = Model::read(&artefact(i8::MIN)).unwrap();
        let mut grams = Grams::default();
        grams.push_rows(0..200_000);
        let expected = -128.0 * 0.5 * 200_000.0 / grams.length();
        let mut sums = [0; LANES];
        model.add(grams.rows(), &mut sums);
        assert!((model.margins(&sums, grams.length())[0] - expected).abs() < 1.0);
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let mut margins = [0.0; LANES];
        margins[..7].copy_from_slice(&[90.0, -90.0, 0.3, 0.0, 0.0, 0.0, f32::MAX]);
        for head in [Head::English, Head::Languages] {
            let probabilities: [f32; 3] = MODEL.probabilities(&margins, head);
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{probabilities:?}");
        }
        assert!((0.0..=1.0).contains(&MODEL.probability(&margins, Head::Complaint)));
    }

    #[test]
    fn lanes_of_heads_follow_each_other() {
        let mut next = 0;
        for head in Head::ALL {
            assert_eq!(head.first_lane(), next, "{head:?}");
            next += head.lanes();
        }
        assert!(next <= LANES);
    }
}
