//! The course's first profiled program: a large list, made, read, dropped; and what happens without the drop.
//!
//! Every line runs once. The vector takes 2048 * 2048 * 8 bytes = 32 MiB: the allocating line grows the resident set
//! by that much; the `drop` row, or the `}` row of [`out_of_scope`], gives it back; [`leak`] keeps it.
//!
//! `black_box` stands for a program that goes on to use the list: without it the optimiser, which sees that only one
//! element is read, may leave the whole allocation out.

#![expect(
    clippy::print_stdout,
    reason = "the course profiles the print as one of the lines"
)]

use std::hint::black_box;

/// Elements of the list.
pub const ELEMENTS: usize = 2048 * 2048;

/// Drops the list by hand before printing.
#[hprof::profile]
pub fn list_alloc() {
    let x = black_box(vec![1.0_f64; ELEMENTS]);
    let mut a = format!("{:?}", x[0]);
    a += "\nis a one\n";
    drop(x);
    println!("{a}");
}

/// Lets the list go out of scope: it is dropped at the closing brace.
#[hprof::profile]
pub fn out_of_scope() {
    let x = black_box(vec![1.0_f64; ELEMENTS]);
    let mut a = format!("{:?}", x[0]);
    a += "\nis a one\n";
    println!("{a}");
}

/// Forgets the list: 32 MiB are still live at exit, and belong to the line that allocated them.
#[hprof::profile]
#[expect(clippy::mem_forget, reason = "a leak to be found")]
pub fn leak() {
    let x = black_box(vec![1.0_f64; ELEMENTS]);
    let mut a = format!("{:?}", x[0]);
    a += "\nis a one\n";
    std::mem::forget(x);
    println!("{a}");
}
