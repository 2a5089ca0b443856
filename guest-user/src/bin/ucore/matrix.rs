//! Twenty processes compute at the same time, each gives way as often as its number says, and none disturbs another.
#![no_std]
#![no_main]

use guest_user::syscall::process::{self, ANY_CHILD};
use guest_user::{Arguments, Board, child, println, program};

program!(main);

const CHILDREN: u64 = 20;
const SIZE: usize = 10;
type Matrix = [[u64; SIZE]; SIZE];

fn main(_: Arguments) -> i32 {
    let board = Board::new();
    for number in 0..CHILDREN {
        child::start(|| board.post(number, sum_of_power(number, process::sched_yield)));
    }
    println!("forked {CHILDREN} children");
    let mut ended = 0;
    while let Ok(Some(child)) = process::wait(ANY_CHILD, 0) {
        ended += u64::from(child::exited_with(child.status, 0));
    }
    println!("exited with 0: {ended}");
    for number in 0..CHILDREN {
        let alone = sum_of_power(number, || {});
        println!(
            "child {number}: {:#018x}, as when alone: {}",
            board.read(number),
            board.read(number) == alone
        );
    }
    println!("matrix pass");
    0
}

/// Multiplies `number` and one times by the same matrix, gives way after each, and sums up.
fn sum_of_power(number: u64, give_way: fn()) -> u64 {
    let factor = matrix_of(number);
    let mut product = factor;
    for _ in 0..=number {
        product = multiply(&product, &factor);
        give_way();
    }
    product
        .iter()
        .flatten()
        .fold(0, |sum, &element| sum.wrapping_add(element))
}

fn matrix_of(number: u64) -> Matrix {
    let mut matrix = [[0; SIZE]; SIZE];
    for (element, value) in matrix.iter_mut().flatten().zip(1..) {
        *element = value ^ number;
    }
    matrix
}

fn multiply(left: &Matrix, right: &Matrix) -> Matrix {
    let mut product = [[0; SIZE]; SIZE];
    for (row, left_row) in product.iter_mut().zip(left) {
        for (left_element, right_row) in left_row.iter().zip(right) {
            for (element, right_element) in row.iter_mut().zip(right_row) {
                *element = u64::wrapping_add(*element, left_element.wrapping_mul(*right_element));
            }
        }
    }
    product
}
