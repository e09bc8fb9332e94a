//! Statements and branches (rules R1 to R6 and R16).

use super::lines;
use insta::assert_snapshot;

#[test]
fn every_statement_begins_its_line() {
    assert_snapshot!(lines(
        "fn f(v: &[u32]) -> u32 {
    let mut s = 0;
    let late;
    s += v[0]; s += 1;
    late = s
        + 1;
    late
}"
    ), @r"
fn f(v: &[u32]) -> u32 {
    static HPROF_SITE_F_1: Site = Function(2, 4, 5, 7, Brace(8));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let mut s = 0;
    let late;
    M(1);
    s += v[0];
    s += 1;
    M(2);
    late = s + 1;
    M(3);
    let _brace = brace(4);
    late
}
");
}

#[test]
fn a_body_that_ends_in_a_statement_marks_its_brace() {
    assert_snapshot!(lines(
        "fn f() {
    let guard = lock();
    work(&guard);
}"
    ), @r"
fn f() {
    static HPROF_SITE_F_1: Site = Function(2, 3, Brace(4));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let guard = lock();
    M(1);
    work(&guard);
    #[allow(unreachable_code)] M(2);
}
");
}

#[test]
fn a_brace_behind_a_return_is_never_reached() {
    assert_snapshot!(lines(
        "fn f() -> u32 {
    let guard = lock();
    return guard.value();
}"
    ), @r"
fn f() -> u32 {
    static HPROF_SITE_F_1: Site = Function(2, 3);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let guard = lock();
    M(1);
    return guard.value();
}
");
}

#[test]
fn attributes_of_a_statement() {
    assert_snapshot!(lines(
        "fn f() {
    #[cfg(unix)]
    let a = 1;
    #[cfg(windows)] work();
    #[allow(unreachable_code)]
    #[rustfmt::skip]
    work();
    #[cfg(unix)] { 1 }
    #[cfg(not(unix))] { 2 }
}"
    ), @r"
fn f() {
    static HPROF_SITE_F_1: Site = Function(3, 4, 7, 8, 9);
    let frame = enter(&HPROF_SITE_F_1);
    #[cfg(unix)] M(0);
    #[cfg(unix)]
    let a = 1;
    #[cfg(windows)] M(1);
    #[cfg(windows)] work();
    #[allow(unreachable_code)] M(2);
    #[allow(unreachable_code)] #[rustfmt::skip] work();
    #[cfg(unix)] M(3);
    #[cfg(unix)] { 1 }
    #[cfg(not(unix))] M(4);
    #[cfg(not(unix))] { 2 }
}
");
}

#[test]
fn blocks_are_entered() {
    assert_snapshot!(lines(
        "fn f() -> u32 {
    unsafe {
        work();
    }
    'a: {
        if done() { break 'a; }
        work();
    }
    let Some(x) = find() else {
        work();
        return 0;
    };
    x
}"
    ), @r"
fn f() -> u32 {
    static HPROF_SITE_F_1: Site = Function(2, 3, 5, 6, 7, 9, 10, 11, 13, Brace(14));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    unsafe {
        M(1);
        work();
    }
    M(2);
    'a: {
        M(3);
        if done() {
            break 'a;
        }
        M(4);
        work();
    }
    M(5);
    let Some(x) = find() else {
        M(6);
        work();
        M(7);
        return 0;
    };
    M(8);
    let _brace = brace(9);
    x
}
");
}

#[test]
fn arms_on_lines_of_their_own() {
    assert_snapshot!(lines(
        "fn f(r: Result<u32, u32>) -> u32 {
    match r {
        Ok(0) => 1,
        Ok(n)
            if n > 7 =>
        {
            work();
            n
        }
        Ok(_) => 1 + if late() { 1 } else { 2 },
        Err(1) => {}
        Err(_) => return 0,
    }
}"
    ), @"
    fn f(r: Result<u32, u32>) -> u32 {
        static HPROF_SITE_F_1: Site = Function(2, 3, 7, 8, 10, 11, 12, Brace(14));
        let frame = enter(&HPROF_SITE_F_1);
        let drops = drop_glue(r);
        let r = r;
        let _leave = leave(7, drops);
        {
            M(0);
            match r {
                Ok(0) => {
                    M(1);
                    1
                }
                Ok(n) if n > 7 => {
                    M(2);
                    work();
                    M(3);
                    n
                }
                Ok(_) => {
                    M(4);
                    1 + if late() { 1 } else { 2 }
                }
                Err(1) => {
                    M(5);
                }
                Err(_) => {
                    M(6);
                    return 0;
                }
            }
        }
    }
    ");
}

#[test]
fn else_if_on_a_line_of_its_own() {
    assert_snapshot!(lines(
        "fn f(n: u32) -> u32 {
    if n == 1 {
        1
    } else if n == 2 {
        2
    } else {
        3
    }
}"
    ), @r"
fn f(n: u32) -> u32 {
    static HPROF_SITE_F_1: Site = Function(2, 3, 4, 5, 7);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    if n == 1 {
        M(1);
        1
    } else {
        M(2);
        if n == 2 {
            M(3);
            2
        } else {
            M(4);
            3
        }
    }
}
");
}

#[test]
fn branches_on_one_line() {
    assert_snapshot!(lines(
        "fn f(n: u32) -> u32 {
    let a = if n == 1 { 1 } else if n == 2 { 2 } else { 3 }; work();
    match a { 1 => 2, _ => return 3 } work();
    a && { work(); true }; work();
    if a {
        work();
    } work();
    a
}"
    ), @r"
fn f(n: u32) -> u32 {
    static HPROF_SITE_F_1: Site = Function(2, 3, 4, 5, 6, 7, 8, Brace(9));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let a = if n == 1 { 1 } else if n == 2 { 2 } else { 3 };
    work();
    M(1);
    match a {
        1 => 2,
        _ => return 3,
    }
    work();
    M(2);
    a
        && {
            work();
            true
        };
    work();
    M(3);
    if a {
        M(4);
        work();
    }
    M(5);
    work();
    M(6);
    let _brace = brace(7);
    a
}
");
}
