//! Work for published crates, on texts that are the same each time.

use std::hint::black_box;

use num_bigint::BigUint;
use pulldown_cmark::{Parser, html};
use tinyjson::JsonValue;

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

const WORDS: [&str; 16] = [
    "the", "time", "of", "a", "line", "is", "exact", "where", "reading", "clock", "costs", "little",
    "and", "sampled", "elsewhere", "profile",
];

/// Words with a full stop now and then.
fn prose(words: usize) -> String {
    let mut numbers = Numbers(7);
    let mut text = String::new();
    for at in 0..words {
        let word = numbers.below(16);
        text.push_str(WORDS[usize::try_from(word).unwrap_or(0)]);
        text.push_str(if at % 13 == 12 { ".\n" } else { " " });
    }
    text
}

fn json(entries: usize) -> String {
    let mut numbers = Numbers(11);
    let mut text = String::from("[");
    for at in 0..entries {
        let (a, b) = (numbers.below(1_000_000), numbers.below(100));
        let comma = if at == 0 { "" } else { ",\n" };
        text.push_str(&format!(
            "{comma}{{\"id\": {at}, \"name\": \"line {a}\", \"tags\": [\"a\", \"b\\n\", null, true], \
             \"time\": {b}.{a}, \"place\": {{\"x\": {a}, \"y\": -{b}e2}}}}"
        ));
    }
    text.push(']');
    text
}

fn markdown(sections: usize) -> String {
    let mut text = String::new();
    for at in 0..sections {
        let words = prose(60 + at % 7);
        text.push_str(&format!(
            "# Section {at}\n\n{words}\n\n* one *item*\n* another with `code`\n\n> quoted **strongly**\n\n\
             | a | b |\n|---|---|\n| 1 | [link](https://example.org/{at}) |\n\n"
        ));
    }
    text
}

fn count(needle: u8, text: &[u8]) -> u64 {
    let mut sum = 0;
    for at in memchr::memchr_iter(needle, text) {
        sum += at as u64;
    }
    sum
}

pub(crate) fn memchr_iter(turns: u64) -> u64 {
    let text = prose(20_000);
    (0..turns).map(|_| count(black_box(b'x'), text.as_bytes())).sum()
}

pub(crate) fn memchr_dense(turns: u64) -> u64 {
    let text = "ab".repeat(50_000);
    (0..turns).map(|_| count(black_box(b'a'), text.as_bytes())).sum()
}

pub(crate) fn lz4_compress(turns: u64) -> u64 {
    let text = prose(20_000);
    let turn = |_| lz4_flex::compress_prepend_size(text.as_bytes()).len() as u64;
    (0..turns).map(turn).sum()
}

pub(crate) fn lz4_decompress(turns: u64) -> u64 {
    let packed = lz4_flex::compress_prepend_size(prose(20_000).as_bytes());
    let turn = |_| lz4_flex::decompress_size_prepended(&packed).map_or(0, |text| text.len() as u64);
    (0..turns).map(turn).sum()
}

pub(crate) fn deflate(turns: u64) -> u64 {
    let text = prose(10_000);
    let turn = |_| miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6).len() as u64;
    (0..turns).map(turn).sum()
}

pub(crate) fn inflate(turns: u64) -> u64 {
    let packed = miniz_oxide::deflate::compress_to_vec(prose(10_000).as_bytes(), 6);
    let turn = |_| miniz_oxide::inflate::decompress_to_vec(&packed).map_or(0, |text| text.len() as u64);
    (0..turns).map(turn).sum()
}

pub(crate) fn jzon(turns: u64) -> u64 {
    let text = json(500);
    let turn = |_| jzon::parse(&text).map_or(0, |value| value.len() as u64);
    (0..turns).map(turn).sum()
}

pub(crate) fn tinyjson(turns: u64) -> u64 {
    let text = json(500);
    let turn = |_| match text.parse() {
        Ok(JsonValue::Array(entries)) => entries.len() as u64,
        _ => 0,
    };
    (0..turns).map(turn).sum()
}

pub(crate) fn pulldown_cmark(turns: u64) -> u64 {
    let text = markdown(50);
    let turn = |_| {
        let mut page = String::new();
        html::push_html(&mut page, Parser::new(&text));
        page.len() as u64
    };
    (0..turns).map(turn).sum()
}

/// Powers and their digits.
pub(crate) fn num_bigint(turns: u64) -> u64 {
    let mut sum = 0;
    for turn in 0..turns {
        let mut product = BigUint::from(1_u32);
        for factor in 1..=400_u64 {
            product *= factor + turn;
        }
        let square = &product * &product;
        let rest = &square % (&product + 12_345_u32);
        sum += square.to_string().len() as u64 + rest.bits();
    }
    sum
}
