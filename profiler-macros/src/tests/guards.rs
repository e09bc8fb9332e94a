//! Guards: of branches inside statements, of what blocks drop at their end, and of parameters.
#![expect(clippy::too_many_lines, reason = "expansions as they are")]

use super::lines;
use insta::assert_snapshot;

#[test]
fn a_branch_gives_the_line_back_to_a_statement_that_goes_on() {
    assert_snapshot!(lines(
        "fn f(c: bool) -> u32 {
    heavy(if c {
        1
    } else if d() {
        2
    } else {
        return 0;
    });
    let x = match c {
        true => W(1),
        false => W(2),
    }
    .heavy();
    *slot() = {
        work();
        3
    };
    let y = loop {
        break 4;
    } + slow();
    Rec {
        first: unsafe {
            5
        },
        last: if c {
            6
        } else {
            7
        },
    }
}"
    ), @"
    fn f(c: bool) -> u32 {
        static HPROF_SITE_F_1: Site = Function(
            2,
            3,
            4,
            5,
            7,
            9,
            10,
            11,
            14,
            15,
            16,
            GroupHeader(18),
            GroupBody(18, of = 11),
            GroupBody(19, of = 11),
            21,
            23,
            26,
            28,
            Brace(31),
        );
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        heavy(
            if c {
                let _back = back(0);
                M(1);
                1
            } else {
                let _back = back(0);
                M(2);
                if d() {
                    M(3);
                    2
                } else {
                    M(4);
                    return 0;
                }
            },
        );
        M(5);
        let x = match c {
            true => {
                let _back = back(5);
                M(6);
                W(1)
            }
            false => {
                let _back = back(5);
                M(7);
                W(2)
            }
        }
            .heavy();
        M(8);
        *slot() = {
            let _back = back(8);
            M(9);
            work();
            M(10);
            3
        };
        M(11);
        let y = {
            let _back = back(11);
            {
                let mut group = group([12, 13]);
                loop {
                    hit(1);
                    break 4;
                }
            }
        } + slow();
        M(14);
        let _brace = brace(18);
        Rec {
            first: unsafe {
                let _back = back(14);
                M(15);
                5
            },
            last: if c {
                M(16);
                6
            } else {
                M(17);
                7
            },
        }
    }
    ");
}

#[test]
fn nothing_comes_back_where_nothing_is_left_to_do() {
    assert_snapshot!(lines(
        "fn f(c: bool) -> u32 {
    let x = if c {
        1
    } else {
        2
    };
    match x {
        1 => work(),
        _ => {
            return x;
        }
    }
    if let Some(name) = find() {
        use_it(&name);
    }
    if let Some(name) = find() {
        use_up(name);
    }
    x
}"
    ), @"
    fn f(c: bool) -> u32 {
        static HPROF_SITE_F_1: Site = Function(
            2,
            3,
            5,
            7,
            8,
            10,
            13,
            14,
            16,
            17,
            19,
            Brace(20),
        );
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        let x = if c {
            M(1);
            1
        } else {
            M(2);
            2
        };
        M(3);
        match x {
            1 => {
                M(4);
                work()
            }
            _ => {
                M(5);
                return x;
            }
        }
        M(6);
        if let Some(name) = find() {
            let wanted = drop_glue(name);
            let _back = back(6, wanted);
            M(7);
            use_it(&name);
        }
        M(8);
        if let Some(name) = find() {
            M(9);
            use_up(name);
        }
        M(10);
        let _brace = brace(11);
        x
    }
    ");
}

#[test]
fn closing_braces_of_blocks_are_asked_for_what_they_drop() {
    assert_snapshot!(lines(
        "fn f(n: u32) {
    for i in 0..n {
        let words = split(i);
        let longest: u32 = words.len();
        add(longest);
    }
    if n > 1 {
        let guard = lock();
        use_it(&guard)
    } else if n > 0 {
        let moved = make();
        use_up(moved);
    }
    {
        #[cfg(unix)]
        let one = make();
        let late;
        late = make();
        let kept = &make();
        let part: &str = &make().name;
        work();
    };
}"
    ), @"
    fn f(n: u32) {
        static HPROF_SITE_F_1: Site = Function(
            LoopHeader(2),
            3,
            4,
            5,
            Brace(6),
            7,
            8,
            9,
            10,
            11,
            12,
            14,
            16,
            18,
            19,
            20,
            21,
            Brace(22),
        );
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        for i in 0..n {
            {
                M(1);
                let words = split(i);
                let drops = drop_glue(words);
                M(2);
                let longest: u32 = words.len();
                M(3);
                add(longest);
                #[allow(unreachable_code)] at_brace(4, drops);
            }
            #[allow(unreachable_code)] M(0);
        }
        M(5);
        if n > 1 {
            M(6);
            let guard = lock();
            let drops = drop_glue(guard);
            M(7);
            let _brace = brace(8, no_hit, drops);
            use_it(&guard)
        } else {
            M(8);
            if n > 0 {
                M(9);
                let moved = make();
                M(10);
                use_up(moved);
            }
        }
        M(11);
        {
            #[cfg(unix)] M(12);
            #[cfg(unix)]
            let one = make();
            let drops = false;
            #[cfg(unix)]
            let drops = drops | drop_glue(one);
            let late;
            let drops = drops | true;
            M(13);
            late = make();
            M(14);
            let kept = &make();
            let drops = drops | drop_glue(*kept);
            M(15);
            let part: &str = &make().name;
            let drops = drops | true;
            M(16);
            work();
            #[allow(unreachable_code)] at_brace(17, drops);
        };
    }
    ");
}

#[test]
fn parameters_that_may_own_something_are_bound_again() {
    assert_snapshot!(lines(
        "fn f(self, a: &str, mut b: Vec<u8>, (c, _): (u8, String), d: [u8; 4]) -> u32 {
    self.field.work();
    dbg!(self.name);
    let again = || self::work(a);
    b.len() as u32
}"
    ), @"
    fn f(self, a: &str, b: Vec<u8>, parameter_3: (u8, String), d: [u8; 4]) -> u32 {
        static HPROF_SITE_F_1: Site = Function(2, 3, 4, 5, Brace(6));
        let frame = enter(&HPROF_SITE_F_1);
        let drops = drop_glue(self);
        let drops = drops | drop_glue(b);
        let drops = drops | drop_glue(parameter_3);
        let receiver = self;
        let mut b = b;
        let parameter_3 = parameter_3;
        let (c, _) = parameter_3;
        let _leave = leave(4, drops);
        {
            M(0);
            receiver.field.work();
            M(1);
            dbg!(receiver.name);
            M(2);
            let again = || self::work(a);
            M(3);
            let _brace = brace(4);
            b.len() as u32
        }
    }
    ");
}

#[test]
fn self_stays_where_a_text_names_it() {
    assert_snapshot!(lines(
        r#"fn f(self) {
    println!("{self:?}");
}"#
    ), @r#"
    fn f(self) {
        static HPROF_SITE_F_1: Site = Function(2);
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        println!("{self:?}");
    }
    "#);
}
