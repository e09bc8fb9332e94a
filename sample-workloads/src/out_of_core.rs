//! An array that may be larger than memory: kept in a file, mapped, and passed through row by row.
//!
//! [`create`] fills it with random numbers between 0 and 1, [`average`] finds their mean, 0.5 +- `1/sqrt(n)`. The
//! resident set grows by pages of the file, which the system may take back, not by memory of the program's own.
//!
//! Hits for `n` numbers in `rows = ceil(n / ROW)`: `for row` `rows + 1`, `for value` `n + rows`, the line below it `n`.

#![expect(
    unsafe_code,
    reason = "a mapped file is only safe while nobody truncates it"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use memmap2::{Mmap, MmapMut};

use crate::random::Random;

/// Numbers in a row: 1 MiB.
pub const ROW: usize = 1 << 17;

/// Bytes of a number, little end first.
const WIDTH: usize = size_of::<f64>();

/// Makes a file of `count` random numbers; returns its first five (or fewer) before and after it was filled.
///
/// # Errors
/// The system's error if the file cannot be made, mapped or written.
#[hprof::profile]
pub fn create(path: &Path, count: usize, seed: u64) -> io::Result<(Vec<f64>, Vec<f64>)> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    file.set_len(count as u64 * WIDTH as u64)?;
    // SAFETY: the file was just made by us; whoever else truncates it while we run ends this program, no more.
    let mut map = unsafe { MmapMut::map_mut(&file) }?;
    let initial = first_five(&map);
    let mut random = Random::new(seed);
    for row in map.chunks_mut(ROW * WIDTH) {
        for value in row.chunks_exact_mut(WIDTH) {
            value.copy_from_slice(&random.next_unit().to_le_bytes());
        }
    }
    map.flush()?;
    Ok((initial, first_five(&map)))
}

/// The mean of the numbers in a file.
///
/// # Errors
/// The system's error if the file cannot be opened or mapped; [`io::ErrorKind::InvalidData`] if it holds no numbers or
/// a broken one.
#[hprof::profile]
pub fn average(path: &Path) -> io::Result<f64> {
    let file = File::open(path)?;
    // SAFETY: we only read; whoever truncates the file while we run ends this program, no more.
    let map = unsafe { Mmap::map(&file) }?;
    if map.is_empty() || map.len() % WIDTH != 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "not a file of 8-byte numbers",
        ));
    }
    let mut total = 0.0;
    for row in map.chunks(ROW * WIDTH) {
        for value in row.chunks_exact(WIDTH) {
            total += number(value);
        }
    }
    Ok(total / (map.len() / WIDTH) as f64)
}

fn first_five(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(WIDTH).take(5).map(number).collect()
}

/// The number in `WIDTH` bytes.
fn number(bytes: &[u8]) -> f64 {
    let mut value = [0; WIDTH];
    value.copy_from_slice(bytes);
    f64::from_le_bytes(value)
}
