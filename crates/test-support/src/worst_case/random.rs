//! Random shapes: the same ones in every run, on every machine.

use super::{Operation, PARTS, Part, Related, Shape, Sign};
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Weights of parts.
const WEIGHTS: [usize; 4] = [1, 3, 10, 100];

/// The shortest object of a random shape, in bytes.
const SHORT: usize = 8 * 1024;

/// The most parts of a random shape.
const PARTS_OF_A_SHAPE: usize = 3;

/// Random shapes from a seed.
pub struct Random(TestRng);

impl Random {
    /// Shapes from `seed`.
    pub fn new(seed: u8) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    /// A shape of some parts, of this length.
    pub fn shape(&mut self, bytes: usize) -> Shape {
        let part = self.of(PARTS);
        let shape = Shape { bytes, ..Shape::of(*self.of(part.kinds()), &[part]) };
        let more = self.number(PARTS_OF_A_SHAPE);
        (0..more).fold(shape, |shape, _| self.with_another_part(shape))
    }

    /// The shape with one to three changes.
    pub fn changed(&mut self, shape: &Shape) -> Shape {
        let changes = 1 + self.number(3);
        (0..changes).fold(shape.clone(), |shape, _| self.with_change(shape))
    }

    fn with_change(&mut self, shape: Shape) -> Shape {
        let quarter = shape.bytes / 4;
        match self.number(11) {
            0 => Shape { operation: *self.of(&Operation::ALL), ..shape },
            1 => Shape { sign: *self.of(&Sign::ALL), ..shape },
            2 => Shape { containers: *self.of(&[0, 1, 2, 10, 100, 1000]), ..shape },
            3 => Shape { name: *self.of(&[0, 1, 10, 1000, quarter]), ..shape },
            4 => Shape { text: *self.of(&[0, 1, 10, 60, 1000, 4000, quarter]), ..shape },
            5 => Shape { fill: *self.of(&['a', ' ', '/', '.']), ..shape },
            6 => Shape { related: *self.of(&Related::ALL), ..shape },
            7 => self.with_another_part(shape),
            8 => self.without_a_part(shape),
            9 => self.with_another_length(shape),
            _ => self.with_another_weight(shape),
        }
    }

    fn with_another_part(&mut self, mut shape: Shape) -> Shape {
        let fits = |part: &&Part| part.kinds().contains(&shape.kind);
        let fitting: Vec<&'static Part> = PARTS.iter().filter(fits).collect();
        let part = (*self.of(&fitting), *self.of(&WEIGHTS));
        let at = self.number(PARTS_OF_A_SHAPE);
        match shape.parts.get_mut(at) {
            Some(replaced) => *replaced = part,
            None => shape.parts.push(part),
        }
        shape
    }

    fn without_a_part(&mut self, mut shape: Shape) -> Shape {
        if shape.parts.len() > 1 {
            let at = self.number(shape.parts.len());
            shape.parts.remove(at);
        }
        shape
    }

    fn with_another_weight(&mut self, mut shape: Shape) -> Shape {
        let at = self.number(shape.parts.len());
        shape.parts[at].1 = *self.of(&WEIGHTS);
        shape
    }

    /// A quarter or four times the length: what costs more with each byte costs the most when it is long.
    fn with_another_length(&mut self, shape: Shape) -> Shape {
        let bytes = *self.of(&[shape.bytes / 4, shape.bytes * 4]);
        Shape { bytes: bytes.clamp(SHORT, Shape::FULL), ..shape }
    }

    /// A number below `limit`.
    fn number(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    /// One of `all`.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.number(all.len())]
    }
}
