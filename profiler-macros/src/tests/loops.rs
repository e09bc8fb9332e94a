//! Loops (rules R7 and R8, and those that only count).
#![expect(
    clippy::too_many_lines,
    reason = "a snapshot is as long as the code it shows"
)]

use super::{expansion, lines, readable::readable};
use insta::assert_snapshot;

#[test]
fn the_header_counts_every_turn() {
    assert_snapshot!(lines(
        "fn f(v: &[u32]) -> u32 {
    let mut s = 0;
    for x in v {
        if *x == 0 { continue; }
        s += x;
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
        7,
        Brace(8),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let mut s = 0;
    M(1);
    {
        let mut group = group([2, 3, 4]);
        for x in v {
            'turn: {
                hit(1);
                if *x == 0 {
                    break 'turn;
                }
                hit(2);
                s += x;
            }
            hit(0);
        }
    }
    M(5);
    let _brace = brace(6);
    s
}
");
}

#[test]
fn continue_names_its_loop() {
    assert_snapshot!(lines(
        "fn f() {
    'outer: while more() {
        loop {
            match next() {
                0 => continue,
                1 => continue 'outer,
                2 => break,
                _ => run(|| loop { continue }),
            }
        }
    }
}"
    ), @r"
fn f() {
    static HPROF_SITE_F_1: Site = Function(LoopHeader(2), LoopHeader(3), 4, 5, 6, 7, 8);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    'outer: while more() {
        {
            M(1);
            loop {
                {
                    M(2);
                    match next() {
                        0 => {
                            M(3);
                            {
                                M(1);
                                continue;
                            }
                        }
                        1 => {
                            M(4);
                            {
                                M(0);
                                continue 'outer;
                            }
                        }
                        2 => {
                            M(5);
                            break;
                        }
                        _ => {
                            M(6);
                            run(|| {
                                loop {
                                    continue;
                                }
                            })
                        }
                    }
                }
                #[allow(unreachable_code)] M(1);
            }
        }
        #[allow(unreachable_code)] M(0);
    }
}
");
}

#[test]
fn a_body_may_end_early() {
    assert_snapshot!(lines(
        "fn f() {
    loop {
        work();
        break;
    }
    loop {
        work();
        panic!();
    }
    for x in items() { work(x) }
}"
    ), @r"
fn f() {
    static HPROF_SITE_F_1: Site = Function(
        LoopHeader(2),
        3,
        4,
        LoopHeader(6),
        7,
        8,
        LoopHeader(10),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    loop {
        M(1);
        work();
        M(2);
        break;
    }
    M(3);
    loop {
        {
            M(4);
            work();
            M(5);
            panic!();
        }
        #[allow(unreachable_code)] M(3);
    }
    M(6);
    for x in items() {
        #[allow(unused_braces)] { work(x) }
        #[allow(unreachable_code)] M(6);
    }
}
");
}

#[test]
fn an_innermost_simple_loop_only_counts() {
    assert_snapshot!(lines(
        "fn f(v: &mut [f64]) {
    for row in 1..9 {
        for x in v.iter_mut() {
            let next = *x * 0.5;
            if next < 1.0 {
                *x = next;
            } else if next > 7.0 {
                *x = match row { 1 => 1.0, _ => 2.0 };
            }
        }
        let mut n = 0;
        while n < row { n += 1; }
    }
}"
    ), @r"
fn f(v: &mut [f64]) {
    static HPROF_SITE_F_1: Site = Function(
        LoopHeader(2),
        GroupHeader(3),
        GroupBody(3, of = 1),
        GroupBody(4, of = 1),
        GroupBody(5, of = 1),
        GroupBody(6, of = 1),
        GroupBody(7, of = 1),
        GroupBody(8, of = 1),
        11,
        GroupHeader(12),
        GroupBody(12, of = 9),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    for row in 1..9 {
        {
            M(1);
            {
                let mut group = group([2, 3, 4, 5, 6, 7]);
                for x in v.iter_mut() {
                    {
                        hit(1);
                        let next = *x * 0.5;
                        hit(2);
                        if next < 1.0 {
                            hit(3);
                            *x = next;
                        } else {
                            hit(4);
                            if next > 7.0 {
                                hit(5);
                                *x = match row {
                                    1 => 1.0,
                                    _ => 2.0,
                                };
                            }
                        }
                    }
                    hit(0);
                }
            }
            M(8);
            let mut n = 0;
            M(9);
            let mut group = group([10]);
            while n < row {
                {
                    n += 1;
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
fn a_counting_loop_at_the_end_keeps_its_temporaries() {
    assert_snapshot!(lines(
        "fn f(v: &Mutex<Vec<u32>>, s: &mut u32) {
    let guard = work();
    for x in v.lock().unwrap().iter() {
        *s += x;
    }
}"
    ), @r"
fn f(v: &Mutex<Vec<u32>>, s: &mut u32) {
    static HPROF_SITE_F_1: Site = Function(
        2,
        GroupHeader(3),
        GroupBody(3, of = 1),
        GroupBody(4, of = 1),
        Brace(6),
    );
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let guard = work();
    M(1);
    let _brace = brace(4);
    let mut group = group([2, 3]);
    for x in v.lock().unwrap().iter() {
        {
            hit(1);
            *s += x;
        }
        hit(0);
    }
}
");
}

#[test]
fn attributes_and_labels_of_counting_loops() {
    assert_snapshot!(lines(
        "fn f(v: &[u32], mut s: u32) {
    #[cfg(unix)]
    #[allow(unused_labels)]
    'a: for x in v {
        #[cfg(test)]
        s -= x;
        s += x;
    }
    work(s);
}"
    ), @r"
fn f(v: &[u32], mut s: u32) {
    static HPROF_SITE_F_1: Site = Function(
        GroupHeader(4),
        GroupBody(4, of = 0),
        GroupBody(6, of = 0),
        GroupBody(7, of = 0),
        9,
    );
    let frame = enter(&HPROF_SITE_F_1);
    #[cfg(unix)] M(0);
    #[cfg(unix)] #[allow(unused_labels)]
    {
        let mut group = group([1, 2, 3]);
        'a: for x in v {
            {
                #[cfg(test)] hit(1);
                #[cfg(test)] s -= x;
                hit(2);
                s += x;
            }
            hit(0);
        }
    }
    M(4);
    work(s);
}
");
}

#[test]
fn these_loops_do_more_than_count() {
    assert_snapshot!(lines(
        "fn f(v: &[u32], mut s: u32) {
    for x in v {
        s += work(x);
    }
    while more() {
        s += 1;
    }
    for x in {
        work();
        v
    } {
        s += x;
    }
    work();
}"
    ), @"
    fn f(v: &[u32], mut s: u32) {
        static HPROF_SITE_F_1: Site = Function(
            LoopHeader(2),
            3,
            LoopHeader(5),
            6,
            GroupHeader(8),
            9,
            10,
            GroupBody(8, of = 4),
            GroupBody(12, of = 4),
            14,
        );
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        for x in v {
            {
                M(1);
                s += work(x);
            }
            M(0);
        }
        M(2);
        while more() {
            {
                M(3);
                s += 1;
            }
            M(2);
        }
        M(4);
        {
            let mut group = group([7, 8]);
            for x in {
                let _back = back(4);
                M(5);
                work();
                M(6);
                v
            } {
                {
                    hit(1);
                    s += x;
                }
                hit(0);
            }
        }
        M(9);
        work();
    }
    ");
}

#[test]
fn split_puts_full_markers_inside() {
    let item = "fn f(v: &[u32]) {
    for x in v {
        s += x;
    }
}";
    let by_option = readable(expansion("split", item, Some("lines")));
    assert_eq!(
        by_option,
        readable(expansion("", item, Some("lines+split")))
    );
    assert_snapshot!(by_option, @r"
fn f(v: &[u32]) {
    static HPROF_SITE_F_1: Site = Function(LoopHeader(2), 3);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    for x in v {
        {
            M(1);
            s += x;
        }
        M(0);
    }
}
");
}
