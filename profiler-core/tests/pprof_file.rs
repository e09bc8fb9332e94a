//! The saved profile: it comes back as it was, whatever is in it; damage is an error; other tools show the same figures.
#![expect(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the profiles of the tests are small, and a test may panic and tell its counts"
)]

#[path = "pprof_file/arbitrary.rs"]
mod arbitrary;
#[path = "pprof_file/damage.rs"]
mod damage;
#[path = "pprof_file/example.rs"]
mod example;
#[path = "pprof_file/go_tool.rs"]
mod go_tool;
#[path = "pprof_file/kept.rs"]
mod kept;
#[path = "pprof_file/rewritten.rs"]
mod rewritten;
#[path = "pprof_file/round_trip.rs"]
mod round_trip;
#[path = "fuzz/tally.rs"]
mod tally;

use std::io::{Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, write::GzEncoder};
use hprof::model::Profile;
use hprof::pprof_file::{ReadError, read_bytes, write};

fn saved(profile: &Profile) -> Vec<u8> {
    let mut file = Vec::new();
    write(profile, &mut file).unwrap();
    file
}

fn read(file: &[u8]) -> Result<Profile, ReadError> {
    read_bytes(file, Path::new("x.pb.gz"))
}

fn unpacked(file: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    GzDecoder::new(file).read_to_end(&mut message).unwrap();
    message
}

/// In the form of gzip, but not made smaller: that takes long without optimisation.
fn packed(message: &[u8]) -> Vec<u8> {
    packed_at(Compression::none(), message)
}

fn packed_at(level: Compression, message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(message).unwrap();
    encoder.finish().unwrap()
}
