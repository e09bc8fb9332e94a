//! Loops that only count, and what may stand in them: methods of numbers, and jumps out of the loop.
#![expect(
    clippy::too_many_lines,
    reason = "a snapshot is as long as the code it shows"
)]

use super::lines;
use insta::assert_snapshot;

/// Whether the loop of this body only counts.
fn counts(body: &str) -> bool {
    lines(&format!("fn f() {{\n    {body}\n}}")).contains("group(")
}

#[test]
fn methods_of_numbers_keep_a_loop_counting() {
    for simple in [
        "x.powi(2)",
        "(x - y).abs()",
        "x.sqrt() + y.sin()",
        "x.mul_add(y, z)",
        "x.clamp(0.0, 1.0)",
        "x.wrapping_mul(31).rotate_left(5)",
        "x.wrapping_neg()",
        "x.checked_add(y)?",
        "x.overflowing_sub(y).0",
        "x.saturating_pow(3)",
        "x.to_bits().count_ones()",
        "x.is_nan() as u32",
        "x.min(y).max(z)",
        "v.len()",
        "black_box(x)",
        "std::hint::black_box(x.abs())",
        "f64::sqrt(x)",
        "f64::max(x, y)",
        "core::primitive::u32::wrapping_add(x, y)",
        "u64::from(x)",
        "Some(x)",
        "Point(x, y).0",
    ] {
        assert!(
            counts(&format!("for x in v {{ y += {simple}; }}")),
            "{simple}"
        );
    }
}

#[test]
fn other_calls_do_not() {
    for call in [
        "x.max()",
        "x.min()",
        "x.powi()",
        "x.powi(2, 3)",
        "x.abs(1)",
        "x.wrapping_mul()",
        "x.wrapping_work(1)",
        "x.work()",
        "x.next()",
        "x.is_done()",
        "x.log(y)",
        "x.abs::<T>()",
        "x.powi(work())",
        "work(x).abs()",
        "v.iter().max(y)",
        "work(x)",
        "black_box(work())",
        "black_box()",
        "f64::work(x)",
        "Type::sqrt(x)",
        "Type::new(x)",
        "SDL_Delay(x)",
        "(self.work)(x)",
        "x.abs(|y| y)",
        "work!(x)",
    ] {
        assert!(!counts(&format!("for x in v {{ y += {call}; }}")), "{call}");
    }
}

#[test]
fn jumps_out_of_the_loop_keep_it_counting() {
    for simple in [
        "for x in v { if x > 1 { break; } }",
        "for x in v { if x > 1 { return; } }",
        "for x in v { if x > 1 { return Some(x); } }",
        "for x in v { if x > 1 { continue; } y += x; }",
        "for x in v { y += x?; }",
        "'a: for x in v { if x > 1 { break 'a; } if x > 2 { continue 'a } }",
        "while x > y { let Some(z) = v[x] else { break }; x -= z; }",
        "loop { if x > y { break; } x += 1; }",
        "let z = loop { if x > y { break x * 2; } x += 1; };",
        "let z = match loop { if x > y { break x; } x += 1; } { z => z };",
    ] {
        assert!(counts(simple), "{simple}");
    }
    for other in [
        "for x in v { if x > 1 { return work(x); } }",
        "for x in v { y += work(x)?; }",
        "'a: { for x in v { if x > 1 { break 'a; } } }",
        "for x in v { 'a: { if x > 1 { break 'a; } } }",
        "let z = loop { break work(); };",
        "loop { work(); }",
        "for x in v { x.await; }",
    ] {
        assert!(!counts(other), "{other}");
    }
}

/// Only the loop inside, which knows no name of the one around it.
#[test]
fn a_jump_to_a_loop_around_is_marked() {
    assert_snapshot!(lines(
        "fn f(rows: &[Row]) {
    'rows: for row in rows {
        for x in row {
            if x > 1 {
                continue 'rows;
            }
        }
        for x in row {
            if x > 1 {
                break;
            }
        }
    }
}"
    ), @r"
fn f(rows: &[Row]) {
    static HPROF_SITE_F_1: Site = Function(
        LoopHeader(2),
        LoopHeader(3),
        4,
        5,
        GroupHeader(8),
        GroupBody(8, of = 4),
        GroupBody(9, of = 4),
        GroupBody(10, of = 4),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    'rows: for row in rows {
        {
            M(1);
            for x in row {
                {
                    M(2);
                    if x > 1 {
                        M(3);
                        {
                            M(0);
                            continue 'rows;
                        };
                    }
                }
                M(1);
            }
            M(4);
            let mut group = group([5, 6, 7]);
            for x in row {
                {
                    hit(1);
                    if x > 1 {
                        hit(2);
                        break;
                    }
                }
                hit(0);
            }
        }
        M(0);
    }
}
");
}

#[test]
fn turns_that_end_early_meet_the_others_at_the_header() {
    assert_snapshot!(lines(
        "fn f(v: &[u32]) -> u32 {
    let mut s = 0;
    for x in v {
        if x == 0 { continue; }
        if x == 1 {
            break;
        }
        s += x;
    }
    'named: while s > 9 {
        s = match s {
            10 => continue 'named,
            11 => break,
            _ => s / 2,
        };
    }
    for x in v {
        if x == 0 { continue; } else { return s; }
    }
    s
}"
    ), @r"
fn f(v: &[u32]) -> u32 {
    static HPROF_SITE_F_1: Site = Function(
        2,
        GroupHeader(3),
        GroupBody(3, of = 1),
        GroupBody(4, of = 1),
        GroupBody(5, of = 1),
        GroupBody(6, of = 1),
        GroupBody(8, of = 1),
        GroupHeader(10),
        GroupBody(10, of = 7),
        GroupBody(11, of = 7),
        GroupBody(12, of = 7),
        GroupBody(13, of = 7),
        GroupBody(14, of = 7),
        GroupHeader(17),
        GroupBody(17, of = 13),
        GroupBody(18, of = 13),
        20,
        Brace(21),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let mut s = 0;
    M(1);
    {
        let mut group = group([2, 3, 4, 5, 6]);
        'turns: for x in v {
            'turn: {
                hit(1);
                if x == 0 {
                    break 'turn;
                }
                hit(2);
                if x == 1 {
                    hit(3);
                    break 'turns;
                }
                hit(4);
                s += x;
            }
            hit(0);
        }
    }
    M(7);
    {
        let mut group = group([8, 9, 10, 11, 12]);
        'named: while s > 9 {
            'turn: {
                hit(1);
                s = match s {
                    10 => {
                        hit(2);
                        break 'turn;
                    }
                    11 => {
                        hit(3);
                        break 'named;
                    }
                    _ => {
                        hit(4);
                        s / 2
                    }
                };
            }
            hit(0);
        }
    }
    M(13);
    {
        let mut group = group([14, 15]);
        for x in v {
            'turn: {
                hit(1);
                if x == 0 {
                    break 'turn;
                } else {
                    return s;
                }
            }
            hit(0);
        }
    }
    M(16);
    let _brace = brace(17);
    s
}
");
}

#[test]
fn a_loop_with_a_value_counts() {
    assert_snapshot!(lines(
        "fn f(mut n: u64) -> u64 {
    let steps = loop {
        if n == 1 {
            break n + 1;
        }
        n /= 2;
    };
    loop {
        if n > steps {
            return n;
        }
        n = n.wrapping_mul(3);
    }
}"
    ), @r"
fn f(mut n: u64) -> u64 {
    static HPROF_SITE_F_1: Site = Function(
        GroupHeader(2),
        GroupBody(2, of = 0),
        GroupBody(3, of = 0),
        GroupBody(4, of = 0),
        GroupBody(6, of = 0),
        GroupHeader(8),
        GroupBody(8, of = 5),
        GroupBody(9, of = 5),
        GroupBody(10, of = 5),
        GroupBody(12, of = 5),
        Brace(14),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let steps = {
        let mut group = group([1, 2, 3, 4]);
        loop {
            {
                hit(1);
                if n == 1 {
                    hit(2);
                    break n + 1;
                }
                hit(3);
                n /= 2;
            }
            hit(0);
        }
    };
    M(5);
    let _brace = brace(10);
    let mut group = group([6, 7, 8, 9]);
    loop {
        {
            hit(1);
            if n > steps {
                hit(2);
                return n;
            }
            hit(3);
            n = n.wrapping_mul(3);
        }
        hit(0);
    }
}
");
}
