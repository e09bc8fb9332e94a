//! A token that goes around a ring of MPI ranks, as the slides' `ring`: each rank adds its number and hands the token on.
//!
//! After `rounds` rounds of `size` ranks the token is `rounds * size * (size - 1) / 2`.
//!
//! Hits in each rank: [`pass`] is called `rounds` times; in rank 0 it sends first and receives last, in all others it is the other way round.

use mpi::topology::Communicator;
use mpi::traits::{Destination, Source};

/// Sends the token around `rounds` times, and returns what it is at its last visit of this rank.
#[hprof::profile]
pub fn ring(world: &impl Communicator, rounds: u64) -> u64 {
    let mut token = 0;
    for _ in 0..rounds {
        token = pass(world, token);
    }
    token
}

/// One round: what this rank received. Rank 0, where rounds begin and end, has added its 0 before it sends.
#[hprof::profile]
pub fn pass(world: &impl Communicator, token: u64) -> u64 {
    let (rank, size) = (world.rank(), world.size());
    let next = world.process_at_rank((rank + 1) % size);
    let previous = world.process_at_rank((rank + size - 1) % size);
    if rank == 0 {
        next.send(&token);
        let (token, _) = previous.receive::<u64>();
        return token;
    }
    let (token, _) = previous.receive::<u64>();
    let token = token + u64::from(rank.unsigned_abs());
    next.send(&token);
    token
}

/// The token after so many rounds of so many ranks.
///
/// ```
/// assert_eq!(sample_workloads::ring::expected(4, 10), 60);
/// ```
pub const fn expected(size: u64, rounds: u64) -> u64 {
    rounds * size * size.saturating_sub(1) / 2
}
