//! How a program shows that what is printed comes from it.
//!
//! The VMM draws a word that nobody can foresee and puts it into the program's environment. The first thing that the program prints
//! is a line with the word transformed. So what a kernel prints by itself, from a table of expected outputs, is found out.
//!
//! The transformation is the output function of SplitMix64: to the word, [`INCREMENT`] is added; then, twice, what the word gives
//! when it is shifted to the right is combined with it by exclusive or, and the result is multiplied; a last shift ends it. All
//! numbers have 64 bits, and carries out of them are lost. The judge and the programs have each their own code for it.

/// Name of the variable in the environment. Its value is the word in [`DIGITS`] lower-case hexadecimal digits.
pub const VARIABLE: &str = "RINGSIDE_NONCE";
/// What the line begins with. The transformed word, in as many digits, and a newline follow.
pub const LINE_PREFIX: &str = "nonce ";
/// Digits of a word.
pub const DIGITS: usize = 16;

/// What is added first.
pub const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;
/// Shift and multiplier of the two rounds, in their order.
pub const ROUNDS: [(u32, u64); 2] = [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)];
/// The last shift.
pub const LAST_SHIFT: u32 = 31;
