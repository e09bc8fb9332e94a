//! What makes almost sound files and runs something on them: shared by the tests of the readers and of what is made of profiles.
//!
//! A file is made, changed in a few places, and read. The changes know what such files are made of: words at their places, numbers that
//! lengths and addresses are compared with, whole records that stand twice or in another's place, ends that are cut off. A short while in
//! every test run, a minute each in `make fuzz` (`HPROF_FUZZ_SECONDS`). What fails is kept in a file.

#![expect(
    clippy::print_stdout,
    clippy::ptr_arg,
    clippy::unwrap_used,
    reason = "a test may panic and tell its counts; all changes of a file look alike"
)]

#[expect(dead_code, reason = "one example is enough here")]
#[path = "../pprof_file/example.rs"]
mod example;
#[expect(dead_code, reason = "not every kind of line is needed here")]
#[expect(clippy::cast_possible_truncation, reason = "small files")]
#[path = "../model/raw_file.rs"]
mod raw_file;
#[path = "tally.rs"]
mod tally;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use flate2::Crc;
use flate2::read::GzDecoder;
use hprof::model::Profile;
use hprof::raw::layout::*;
use raw_file::{BASE, Playback, RawFile, cell, outside};

/// No file may take a processor longer: how long it waits for one says nothing.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);
thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread has allocated.
pub(crate) struct Counting;

pub(crate) fn count(change: isize) {
    let live = LIVE.get() + change;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
}

#[expect(unsafe_code, reason = "an allocator that counts")]
// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes allocated at a time by `work`.
pub(crate) fn peak_of<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (result, (PEAK.get() - before).unsigned_abs())
}

/// Time that this thread has had a processor.
pub(crate) fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid place for the answer.
    #[expect(unsafe_code, reason = "the standard library has no such clock")]
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// Xorshift.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % end.max(1)
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// What came of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    runs: u64,
    readable: u64,
    /// Most bytes allocated at a time, and most for each byte of the files.
    most: usize,
    most_each: f64,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            readable: self.readable + other.readable,
            most: self.most.max(other.most),
            most_each: self.most_each.max(other.most_each),
        }
    }
}

/// Changes a file in one place.
pub(crate) type Mutation = fn(&mut Vec<u8>, &mut Random);

/// What is tried.
pub(crate) struct Target<'a> {
    pub(crate) name: &'a str,
    pub(crate) seeds: Vec<Vec<u8>>,
    pub(crate) mutations: &'a [Mutation],
    /// Most changes of a file.
    pub(crate) changes: usize,
    /// Makes the file of what was changed.
    pub(crate) pack: fn(Vec<u8>) -> Vec<u8>,
    /// Reads the files; whether all could be read.
    pub(crate) run: &'a (dyn Fn(&[Vec<u8>]) -> bool + Sync),
    /// Files for one run.
    pub(crate) files: usize,
    /// Bytes that may be allocated at a time, for each byte of the file, and beside that.
    pub(crate) memory: (usize, usize),
}

impl Target<'_> {
    /// Fuzzes on every core of the machine.
    pub(crate) fn fuzz(&self) {
        let wanted = env::var("HPROF_FUZZ_SECONDS").ok();
        let seconds = wanted.map_or(0.3, |seconds| seconds.parse().unwrap());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let seed = u64::from(now.subsec_nanos()) << 20 | 1;
        let started = Instant::now();
        let until = started + Duration::from_secs_f64(seconds);
        let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
        let counts = thread::scope(|scope| {
            let fuzzers: Vec<_> = (0..threads)
                .map(|number| scope.spawn(move || self.fuzz_until(until, seed + (number << 1))))
                .collect();
            let joined = fuzzers.into_iter().map(|fuzzer| fuzzer.join());
            joined
                .map(|counts| counts.unwrap_or_else(|panic| resume_unwind(panic)))
                .fold(Counts::default(), Counts::and)
        });
        let more = format!(
            " ({} files) in {:.1} s on {threads} threads, seed {seed}: {} readable; at most {} bytes allocated at a time, {:.0} for each of the files",
            counts.runs * self.files as u64,
            started.elapsed().as_secs_f64(),
            counts.readable,
            counts.most,
            counts.most_each
        );
        tally::tell(self.name, counts.runs, &more);
        assert!(
            counts.readable > 0 && counts.readable < counts.runs,
            "neither sound nor broken files only"
        );
    }

    fn fuzz_until(&self, until: Instant, seed: u64) -> Counts {
        let mut random = Random(seed);
        let mut counts = Counts::default();
        while Instant::now() < until {
            for _ in 0..64 {
                let files: Vec<Vec<u8>> = (0..self.files).map(|_| self.file(&mut random)).collect();
                counts = counts.and(self.run_one(&files));
            }
        }
        counts
    }

    /// A seed with a few changes.
    fn file(&self, random: &mut Random) -> Vec<u8> {
        let mut file = self.seeds[random.below(self.seeds.len())].clone();
        for _ in 0..=random.below(self.changes) {
            random.of(self.mutations)(&mut file, random);
        }
        (self.pack)(file)
    }

    /// Whether the files could be read, and what was allocated.
    fn run_one(&self, files: &[Vec<u8>]) -> Counts {
        let begun = cpu_time();
        let (result, peak) = peak_of(|| catch_unwind(AssertUnwindSafe(|| (self.run)(files))));
        let bytes: usize = files.iter().map(Vec::len).sum();
        let (each, beside) = self.memory;
        let too_much = peak > bytes * each + beside;
        let took = cpu_time().saturating_sub(begun);
        let too_long = took > LONGEST;
        if result.is_err() || too_much || too_long {
            for (index, file) in files.iter().enumerate() {
                let name = format!("fuzz-{}-{index}", self.name);
                let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
                fs::write(&path, file).unwrap();
                println!("kept {}", path.display());
            }
        }
        assert!(!too_much, "{peak} bytes allocated for {bytes}");
        assert!(!too_long, "{took:?}");
        let read = result.unwrap_or_else(|panic| resume_unwind(panic));
        Counts {
            runs: 1,
            readable: u64::from(read),
            most: peak,
            most_each: peak as f64 / bytes.max(1) as f64,
        }
    }
}

/// The words of a raw file that stand for something, eight bytes apart.
pub(crate) fn word_at(file: &[u8], random: &mut Random) -> usize {
    let header = 232;
    let places = if random.below(4) == 0 {
        header
    } else {
        file.len()
    };
    random.below(places / 8) * 8
}

pub(crate) fn change_word(file: &mut Vec<u8>, random: &mut Random) {
    // A file may have been cut to nothing.
    let length = file.len().max(1) as u64;
    let place = word_at(file, random);
    let other = word_at(file, random);
    let of = |at: usize| -> Option<u64> {
        Some(u64::from_ne_bytes(file.get(at..at + 8)?.try_into().ok()?))
    };
    let old = of(place).unwrap_or(0);
    let value = match random.below(12) {
        0 => 0,
        1 => u64::MAX,
        2 => i64::MAX as u64,
        3 => 1 << random.below(64),
        4 => old.wrapping_add(1),
        5 => old.wrapping_sub(1),
        6 => of(other).unwrap_or(0),
        7 => BASE + (random.next() % length) / 64 * 64,
        8 => BASE + random.next() % length,
        9 => (random.next() % 5000) << (32 * random.below(2)),
        10 => random.next() % length,
        _ => random.next(),
    };
    if let Some(word) = file.get_mut(place..place + 8) {
        word.copy_from_slice(&value.to_ne_bytes());
    }
}

pub(crate) fn change_half_word(file: &mut Vec<u8>, random: &mut Random) {
    let place = word_at(file, random) + 4 * random.below(2);
    let value = random.of(&[
        0,
        1,
        2,
        3,
        4,
        5,
        127,
        128,
        129,
        256,
        4096,
        4097,
        1 << 31,
        u32::MAX,
    ]);
    if let Some(word) = file.get_mut(place..place + 4) {
        word.copy_from_slice(&value.to_ne_bytes());
    }
}

pub(crate) fn flip_bit(file: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(file.len());
    if let Some(byte) = file.get_mut(place) {
        *byte ^= 1 << random.below(8);
    }
}

/// Puts a block, such as a record or a cell, in the place of another.
pub(crate) fn copy_block(file: &mut Vec<u8>, random: &mut Random) {
    let length = RECORD_ALIGN * (1 + random.below(4));
    let place = |random: &mut Random| random.below(file.len() / RECORD_ALIGN) * RECORD_ALIGN;
    let (from, to) = (place(random), place(random));
    if from.max(to) + length <= file.len() {
        file.copy_within(from..from + length, to);
    }
}

pub(crate) fn cut(file: &mut Vec<u8>, random: &mut Random) {
    // Rarely: most cut files are refused at once.
    if random.below(8) == 0 {
        file.truncate(random.below(file.len()));
    }
}

pub(crate) fn insert_or_remove(file: &mut Vec<u8>, random: &mut Random) {
    let start = random.below(file.len());
    let end = (start + 1 + random.below(12)).min(file.len());
    let part: Vec<u8> = if random.below(2) == 0 {
        file.drain(start..end).collect()
    } else {
        file.get(start..end).unwrap_or_default().to_vec()
    };
    let place = random.below(file.len());
    file.splice(place..place, part);
}

/// A number of a message: the largest there is, or another.
pub(crate) fn change_number(file: &mut Vec<u8>, random: &mut Random) {
    let place = random.below(file.len());
    let mut number: Vec<u8> = (0..random.below(10)).map(|_| 0xff).collect();
    number.push(random.of(&[0, 1, 2, 0x7f]));
    let end = (place + random.of(&[1, number.len()])).min(file.len());
    file.splice(place..end, number);
}

pub(crate) const RAW: &[Mutation] = &[
    change_word,
    change_word,
    change_word,
    change_half_word,
    change_half_word,
    flip_bit,
    copy_block,
    cut,
];
pub(crate) const MESSAGE: &[Mutation] = &[flip_bit, change_number, insert_or_remove, cut];

/// Small sound files with something of everything, cut off after their last record.
pub(crate) fn raw_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for kind in 0..3_u64 {
        let mut file = RawFile::new();
        file.flag(FLAG_SAMPLER | FLAG_ALLOC);
        file.function(1, "f", 10, &[11, 12]);
        file.function(2, "g", 20, &[21]);
        for index in 0..=u32::try_from(kind).unwrap() {
            let mut run = Playback::new(&mut file, index, 0);
            run.site(1, 2);
            run.site(2, 1);
            run.enter(1);
            run.line(5, 0);
            run.enter(2);
            run.line(8, 0);
            run.leave(12);
            run.line(20, 1);
        }
        if kind > 0 {
            let thread = file.thread(9, "hot");
            let node = file.node(9, 1, 2, outside(thread));
            file.add(node + std::mem::offset_of!(NodeRecord, calls), 1);
            file.u64(
                cell(node, 0) + std::mem::offset_of!(hprof::raw::layout::Cell, gap_time),
                1000,
            );
            let (first, second) = (cell(node, 0), cell(node, 1));
            let pairs = [(first, first, 3, 40, 600, 4), (second, first, 1, 9, 81, 5)];
            file.pairs(9, &pairs);
        }
        if kind == 2 {
            file.killed(50);
        } else {
            file.finished(50);
        }
        let used = file.bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        file.bytes.truncate(used.next_multiple_of(RECORD_ALIGN));
        seeds.push(file.bytes);
    }
    seeds
}

pub(crate) fn read_raw(file: &[u8]) -> Option<Profile> {
    hprof::raw::read_bytes(file, Path::new("x.hpraw")).ok()
}

/// A gzip file that holds the message as it is. Written by hand: an encoder takes longer to set up than the file to read.
pub(crate) fn packed(message: Vec<u8>) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let last = message.len().saturating_sub(1) / usize::from(u16::MAX);
    let mut blocks = message.chunks(u16::MAX.into());
    for index in 0..=last {
        let block = blocks.next().unwrap_or_default();
        let length = u16::try_from(block.len()).unwrap();
        file.push(u8::from(index == last));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    let mut sum = Crc::new();
    sum.update(&message);
    file.extend(sum.sum().to_le_bytes());
    file.extend(u32::try_from(message.len()).unwrap().to_le_bytes());
    file
}

pub(crate) fn read_saved(file: &[u8]) -> Option<Profile> {
    hprof::pprof_file::read_bytes(file, Path::new("x.pb.gz")).ok()
}

pub(crate) fn saved_seeds() -> Vec<Vec<u8>> {
    let profiles = [
        example::diffusion(),
        read_raw(&raw_seeds()[2]).unwrap(),
        Profile::default(),
    ];
    let message = |profile: &Profile| {
        let mut file = Vec::new();
        hprof::pprof_file::write(profile, &mut file).unwrap();
        let mut message = Vec::new();
        std::io::copy(&mut GzDecoder::new(&file[..]), &mut message).unwrap();
        message
    };
    profiles.iter().map(message).collect()
}
