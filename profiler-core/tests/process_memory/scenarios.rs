//! What the child processes do.
#![expect(unsafe_code, reason = "forks, maps and closes as programs do")]

use std::cell::RefCell;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::{env, panic, thread};

use hprof::profile;

use super::{MINE, SCENARIO};

const BLOCK: usize = 1 << 20;

fn wanted(name: &str) -> bool {
    env::var(SCENARIO).is_ok_and(|scenario| scenario == name)
}

/// A scenario calls the function of its name.
macro_rules! scenarios {
    ($($name:ident => $call:expr),* $(,)?) => {
        $(#[test]
        fn $name() {
            if wanted(stringify!($name)) {
                $call;
            }
        })*
    };
}

scenarios! {
    list => functions::list(),
    out_of_scope => functions::out_of_scope(),
    lazy => functions::lazy(),
    page_by_page => functions::page_by_page(),
    threads => functions::threads(),
    file => functions::file(),
    file_in_a_loop => functions::file_in_a_loop(),
    moved => functions::moved(),
    unwinding => functions::unwinding(),
    forks => functions::forks(),
    early_and_late => functions::early_and_late(),
    closes_all => functions::closes_all(),
    leaks => functions::leaks(),
    peaks => functions::peaks(),
    hands_over => functions::hands_over(),
    many_blocks => functions::many_blocks(),
    forks_with_heap => functions::forks_with_heap(),
}

/// Allocates before `main`, in a function that is recorded.
#[used]
#[unsafe(link_section = ".init_array")]
static EARLY: extern "C" fn() = {
    extern "C" fn run() {
        if wanted("early_and_late") {
            functions::early();
        }
    }
    run
};

mod functions {
    use super::*;

    /// Never frees what it gets.
    fn leak<T>(value: T) {
        let _kept = ManuallyDrop::new(value);
    }

    #[profile(always)]
    pub(super) fn list() {
        let x = black_box(vec![1.0_f64; 2048 * 2048]);
        let mut a = format!("{:?}", x[0]);
        a += "\nis a one\n";
        drop(x);
        black_box(a);
    }

    #[profile(always)]
    pub(super) fn out_of_scope() {
        let x = black_box(vec![1.0_f64; 2048 * 2048]);
        black_box(x[0]);
    }

    #[profile(always)]
    pub(super) fn lazy() {
        let mut x = black_box(vec![0_u8; 1 << 30]);
        x[..16 * BLOCK].fill(1);
        black_box(x.len());
    }

    #[profile(always)]
    fn touch(page: &mut [u8]) {
        page[0] = 1;
    }

    #[profile(always)]
    pub(super) fn page_by_page() {
        let mut x = vec![0_u8; 64 * BLOCK];
        for page in x.chunks_mut(4096) {
            touch(page);
        }
        black_box(x);
    }

    #[profile(always)]
    fn come_and_go() {
        for _ in 0..10 {
            let x = vec![1_u8; 4 * BLOCK];
            black_box(&x);
            drop(x);
        }
    }

    pub(super) fn threads() {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(come_and_go);
            }
        });
    }

    fn sum_pages(bytes: &[u8]) -> usize {
        bytes
            .iter()
            .step_by(4096)
            .map(|byte| usize::from(*byte))
            .sum()
    }

    fn map(file: &File, bytes: usize) -> *mut libc::c_void {
        let flags = libc::MAP_SHARED;
        let protection = libc::PROT_READ;
        // SAFETY: a new mapping of an open file.
        unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                protection,
                flags,
                file.as_raw_fd(),
                0,
            )
        }
    }

    fn unmap(memory: *mut libc::c_void, bytes: usize) {
        // SAFETY: mapped above, and not used any more.
        unsafe { libc::munmap(memory, bytes) };
    }

    #[profile(always)]
    pub(super) fn file() {
        let mut file = tempfile::tempfile().unwrap();
        for _ in 0..16 {
            file.write_all(&[1; BLOCK]).unwrap();
        }
        let memory = map(&file, 16 * BLOCK);
        // SAFETY: the mapping has that many bytes, and nobody changes the file.
        let bytes = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), 16 * BLOCK) };
        let sum = sum_pages(bytes);
        unmap(memory, 16 * BLOCK);
        assert_eq!(sum, 16 * 256);
    }

    fn first(page: &[u8]) -> usize {
        usize::from(page[0])
    }

    /// The lines of the inner loop are too hot to read the clock, and so to look at the memory.
    #[profile(always)]
    fn sum_in_a_loop(bytes: &[u8]) -> usize {
        let mut sum = 0;
        for row in bytes.chunks(BLOCK) {
            for page in row.chunks(64) {
                sum += first(page);
            }
        }
        sum
    }

    pub(super) fn file_in_a_loop() {
        let mut file = tempfile::tempfile().unwrap();
        for _ in 0..128 {
            file.write_all(&[1; BLOCK]).unwrap();
        }
        let memory = map(&file, 128 * BLOCK);
        // SAFETY: the mapping has that many bytes, and nobody changes the file.
        let bytes = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), 128 * BLOCK) };
        assert_eq!(sum_in_a_loop(bytes), 128 * BLOCK / 64);
        unmap(memory, 128 * BLOCK);
    }

    #[profile(always)]
    pub(super) fn moved() {
        let mut x = vec![1_u8; 32 * BLOCK];
        x.reserve_exact(32 * BLOCK);
        black_box(x);
    }

    #[profile(always)]
    fn unwinds() {
        let x = vec![1_u8; 8 * BLOCK];
        panic!("with {} bytes", x.len());
    }

    pub(super) fn unwinding() {
        let before = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        assert!(panic::catch_unwind(unwinds).is_err());
        panic::set_hook(before);
    }

    #[profile(always)]
    fn make(mib: usize) {
        let x = vec![1_u8; mib * BLOCK];
        black_box(x);
    }

    pub(super) fn forks() {
        make(4);
        // SAFETY: the child runs only the code below and leaves by `exit`.
        match unsafe { libc::fork() } {
            0 => {
                make(16);
                // SAFETY: takes a number.
                unsafe { libc::exit(0) }
            }
            child => {
                let mut status = 0;
                // SAFETY: a valid place; the child is ours.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                assert_eq!(status, 0);
            }
        }
    }

    #[profile(always)]
    pub(super) fn early() {
        let x = vec![1_u8; 2 * BLOCK];
        black_box(x);
    }

    #[profile(always)]
    fn late() {
        let x = vec![1_u8; 3 * BLOCK];
        black_box(x);
    }

    /// Allocates when the thread ends, after our own thread key may be gone.
    struct Late(Vec<u8>);

    impl Drop for Late {
        fn drop(&mut self) {
            self.0.push(1);
            late();
            black_box(vec![1_u8; BLOCK]);
        }
    }

    thread_local! {
        static LATE: RefCell<Late> = const { RefCell::new(Late(Vec::new())) };
    }

    pub(super) fn early_and_late() {
        thread::spawn(|| LATE.with_borrow_mut(|late| late.0.push(1)))
            .join()
            .unwrap();
        assert!(
            MINE.load(Ordering::Relaxed) > 0,
            "the inner allocator is asked"
        );
    }

    fn close_all() {
        // SAFETY: takes three numbers; the streams stay open.
        unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
        // Others take their numbers.
        for number in 3..300 {
            // SAFETY: takes two numbers.
            unsafe { libc::dup2(1, number) };
        }
    }

    /// Asks for a large block and leaves a number in `errno`: the look that follows must find its file closed, and leave the number.
    fn fail() -> Vec<u8> {
        let block = black_box(vec![0_u8; BLOCK]);
        File::open("/no such file").unwrap_err();
        block
    }

    #[profile(always)]
    pub(super) fn closes_all() {
        close_all();
        let block = fail();
        let error = io::Error::last_os_error();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        let x = vec![1_u8; 8 * BLOCK];
        black_box((x, block));
    }

    #[profile(always)]
    pub(super) fn leaks() {
        let mut small = Vec::with_capacity(1 << 16);
        for _ in 0..1 << 16 {
            small.push(black_box(vec![1_u8; 1024]));
            drop(black_box(vec![3_u8; 1024]));
        }
        let large = black_box(vec![2_u8; 32 * BLOCK]);
        leak((small, large));
    }

    #[profile(always)]
    pub(super) fn peaks() {
        let before = black_box(vec![3_u8; 16 * BLOCK]);
        drop(before);
        let low = black_box(vec![1_u8; 8 * BLOCK]);
        let high = black_box(vec![2_u8; 24 * BLOCK]);
        drop((low, high));
        let after = black_box(vec![4_u8; 16 * BLOCK]);
        drop(after);
    }

    #[profile(always)]
    fn hand_over(
        keep: bool,
        to: &mpsc::Sender<Box<[u8; 100]>>,
        from: &mpsc::Receiver<Box<[u8; 100]>>,
    ) {
        let mut grown = Vec::new();
        for number in 0..1000_u64 {
            let block = Box::new([1; 100]);
            if number % 2 == 0 {
                to.send(block).unwrap();
            } else {
                leak(block);
            }
            for _ in 0..4 {
                grown.push(number);
            }
        }
        for block in from.iter().take(500) {
            drop(block);
        }
        if keep {
            leak(grown);
        }
    }

    pub(super) fn hands_over() {
        let (mut senders, mut receivers): (Vec<_>, Vec<_>) =
            (0..4).map(|_| mpsc::channel()).unzip();
        // Each sends to the next.
        senders.rotate_left(1);
        thread::scope(|scope| {
            for (number, (to, from)) in senders.drain(..).zip(receivers.drain(..)).enumerate() {
                scope.spawn(move || hand_over(number % 2 == 0, &to, &from));
            }
        });
    }

    #[profile(always)]
    pub(super) fn many_blocks() {
        for _ in 0..300_000 {
            leak(Box::new([0_u64; 2]));
        }
    }

    #[profile(always)]
    fn keep(mib: u8) {
        leak(black_box(vec![mib; usize::from(mib) * BLOCK]));
    }

    #[profile(always)]
    fn give() -> Vec<u8> {
        vec![1_u8; 4 * BLOCK]
    }

    pub(super) fn forks_with_heap() {
        keep(8);
        let given = give();
        // SAFETY: the child runs only the code below and leaves by `exit`.
        match unsafe { libc::fork() } {
            0 => {
                keep(16);
                drop(given);
                // SAFETY: takes a number.
                unsafe { libc::exit(0) }
            }
            child => {
                let mut status = 0;
                // SAFETY: a valid place; the child is ours.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                assert_eq!(status, 0);
                leak(given);
            }
        }
    }
}
