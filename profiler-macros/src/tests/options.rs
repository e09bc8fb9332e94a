//! Options of the attribute, the build switch, helper attributes and mistakes.
#![expect(
    clippy::too_many_lines,
    reason = "a snapshot is as long as the code it shows"
)]

use super::{expansion, messages, readable::readable};
use insta::{assert_debug_snapshot, assert_snapshot};

const ITEM: &str = "fn f() -> u32 {
    let a = 1;
    work(|| {
        work();
    });
    a
}";

#[test]
fn off_adds_nothing_but_the_note_on_the_switch() {
    let unset = expansion("", "fn f() { work(); }", None);
    assert_eq!(
        expansion("", "fn f() { work(); }", Some("")).to_string(),
        unset.to_string()
    );
    assert_snapshot!(unset, @r#"fn f () { const _ : :: core :: option :: Option < & str > = :: core :: option_env ! ("HPROF") ; work () ; }"#);
    let helpers = "fn f() { #[mark] work(); #[skip] for x in y { #[mark(\"z\")] let z = 1; } }";
    assert_snapshot!(expansion("", helpers, None), @r#"fn f () { const _ : :: core :: option :: Option < & str > = :: core :: option_env ! ("HPROF") ; work () ; for x in y { let z = 1 ; } }"#);
    assert_snapshot!(expansion("calls", "impl A { fn f() { 1 } const fn g() { 2 } } ", None), @r#"impl A { fn f () { const _ : :: core :: option :: Option < & str > = :: core :: option_env ! ("HPROF") ; 1 } const fn g () { const _ : :: core :: option :: Option < & str > = :: core :: option_env ! ("HPROF") ; 2 } }"#);
}

#[test]
fn always_needs_no_switch() {
    let switched = expansion("", ITEM, Some("lines")).to_string();
    assert_eq!(expansion("always", ITEM, None).to_string(), switched);
    assert_eq!(
        expansion("always", ITEM, Some("lines+noalloc")).to_string(),
        switched
    );
}

#[test]
fn span_opens_one_after_the_frame() {
    let spaceless = |args, item, switch| expansion(args, item, switch).to_string().replace(' ', "");
    let private = "::hprof::__private::";
    let sync = spaceless("span", "fn f() { work(); }", Some("lines"));
    let opened = format!(
        "letframe={private}Frame::enter(&HPROF_SITE_F_1);let_span={private}enter_span({private}call_span!(\"f\"));"
    );
    assert!(sync.contains(&opened), "{sync}");
    let renamed = spaceless("span, name = \"g\"", ITEM, Some("calls"));
    assert!(renamed.contains("call_span!(\"g\")"), "{renamed}");
    let future = spaceless("span", "async fn f() { work().await }", Some("lines"));
    let polled = format!(
        "{private}poll(&HPROF_SITE_F_1,{private}in_span({private}call_span!(\"f\"),asyncmove{{"
    );
    assert!(future.contains(&polled), "{future}");
    assert_eq!(spaceless("span", ITEM, None), spaceless("", ITEM, None));
}

#[test]
fn skip_leaves_the_item() {
    for switch in [None, Some("lines")] {
        assert_eq!(
            expansion("skip", "fn f() { #[mark] work(); }", switch).to_string(),
            "fn f () { work () ; }"
        );
    }
}

#[test]
fn calls_marks_the_whole_body() {
    let by_option = readable(expansion("calls", ITEM, Some("lines")));
    assert_eq!(by_option, readable(expansion("", ITEM, Some("calls"))));
    assert_snapshot!(by_option, @r"
fn f() -> u32 {
    static HPROF_SITE_F_1: Site = Function(WholeBody(1));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let a = 1;
    work(|| {
        work();
    });
    a
}
");
    assert_snapshot!(readable(expansion("calls", "async fn f(a: A) { a.await }", Some("lines"))), @r"
async fn f(a: A) {
    static HPROF_SITE_F_1: Site = AsyncFunction(WholeBody(1));
    poll(
            &HPROF_SITE_F_1,
            async move {
                if let ::core::option::Option::Some(output) = ::core::option::Option::None::<
                    (),
                > {
                    return output;
                }
                let a = a;
                {
                    M(0);
                    a.await
                }
            },
        )
        .await
}
");
}

#[test]
fn name_and_crate() {
    let expansion = expansion(
        "name = \"a b\", crate = my::profiler, always",
        "fn f() { work(); }",
        None,
    );
    assert_snapshot!(expansion, @r#"# [allow (clippy :: if_not_else , clippy :: redundant_else , clippy :: semicolon_if_nothing_returned , clippy :: single_match_else , clippy :: unnecessary_semicolon)] fn f () { const _ : :: core :: option :: Option < & str > = :: core :: option_env ! ("HPROF") ; static HPROF_SITE_F_1 : my :: profiler :: __private :: Site < 1 > = my :: profiler :: __private :: Site :: new (my :: profiler :: __private :: SiteFacts { kind : my :: profiler :: __private :: SiteKind :: Function , module : :: core :: module_path ! () , name : "a b" , file : "src/main.rs" , line : 1 , column : 1 , end_line : 1 , package : "/home/me/package" , source : "fn f() { work(); }" , max_allocs : :: core :: option :: Option :: None , } , [my :: profiler :: __private :: LineSite :: new (1 , my :: profiler :: __private :: LineKind :: Statement , 0) ,] ,) ; { let frame = my :: profiler :: __private :: Frame :: enter (& HPROF_SITE_F_1) ; { my :: profiler :: __private :: Frame :: line :: < 0 > (& frame) ; work () ; } } }"#);
}

#[test]
fn marked_statements_only() {
    assert_snapshot!(readable(expansion("marked", "fn f() -> u32 {
    let a = 1;
    #[mark]
    let b = work();
    #[mark(\"the loop\")]
    for x in b {
        if x == 1 { continue; }
        #[mark]
        work();
        work();
    }
    for x in b {
        #[mark]
        if x == 1 { continue; }
    }
    run(|| {
        work();
    });
    run(|| {
        #[mark]
        return 1;
    });
    #[mark]
    a
}", Some("lines"))), @r#"
    fn f() -> u32 {
        static HPROF_SITE_F_1: Site = Function(
            WholeBody(1),
            4,
            LoopHeader(6).labelled("the loop"),
            9,
            WholeBody(6),
            14,
            24,
        );
        static HPROF_SITE_F_19_2: Site = Closure(WholeBody(19), 21);
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        let a = 1;
        M(1);
        let b = work();
        M(2);
        for x in b {
            {
                if x == 1 {
                    {
                        M(2);
                        continue;
                    };
                }
                M(3);
                work();
                #[allow(unreachable_code)] M(4);
                work();
            }
            #[allow(unreachable_code)] M(2);
        }
        M(0);
        for x in b {
            M(5);
            if x == 1 {
                {
                    M(0);
                    continue;
                };
            }
        }
        M(0);
        run(|| {
            work();
        });
        run(|| {
            let frame = enter(&HPROF_SITE_F_19_2);
            M(0);
            {
                M(1);
                return 1;
            }
        });
        M(6);
        a
    }
    "#);
}

#[test]
fn skipped_statements_and_loops() {
    assert_snapshot!(readable(expansion("", "fn f() {
    work();
    #[skip]
    work(|| {
        work();
    });
    for x in v {
        #[skip]
        if x == 1 {
            continue;
        }
        work(x);
    }
    #[skip]
    for x in v {
        work(x);
        continue;
    }
    #[mark(\"here\")]
    work();
}", Some("lines"))), @r#"
fn f() {
    static HPROF_SITE_F_1: Site = Function(2, LoopHeader(7), 12, 20.labelled("here"));
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    work();
    work(|| {
        work();
    });
    M(1);
    for x in v {
        {
            if x == 1 {
                {
                    M(1);
                    continue;
                };
            }
            M(2);
            work(x);
        }
        #[allow(unreachable_code)] M(1);
    }
    for x in v {
        work(x);
        continue;
    }
    M(3);
    work();
}
"#);
}

#[test]
fn mistakes_are_all_named_at_once() {
    assert_debug_snapshot!(messages("skipp, calls, split, name = 3, calls, crate, 7", ITEM, None), @r#"
[
    "unknown option `skipp`: valid options are `skip`, `calls`, `split`, `marked`, `always`, `span`, `thin`, `lines`, `max_allocs = N`, `name = \"...\"` and `crate = path`",
    "expected string literal",
    "`calls` is given twice",
    "`crate` takes a value: valid options are `skip`, `calls`, `split`, `marked`, `always`, `span`, `thin`, `lines`, `max_allocs = N`, `name = \"...\"` and `crate = path`",
    "expected an option: valid options are `skip`, `calls`, `split`, `marked`, `always`, `span`, `thin`, `lines`, `max_allocs = N`, `name = \"...\"` and `crate = path`",
    "`calls` and `split` exclude each other",
]
"#);
    for (args, item, told) in [
        (
            "max_allocs = 0",
            "impl A { fn f() {} }",
            "`max_allocs` goes on a single function",
        ),
        (
            "thin, max_allocs = 0",
            ITEM,
            "`thin` and `max_allocs` exclude each other",
        ),
        (
            "skip, max_allocs = 0",
            ITEM,
            "`skip` and `max_allocs` exclude each other",
        ),
        (
            "max_allocs = 0, max_allocs = 1",
            ITEM,
            "`max_allocs` is given twice",
        ),
        (
            "max_allocs = -1",
            ITEM,
            "`max_allocs` is a number of allocations, such as 0",
        ),
        (
            "max_allocs = 0",
            "async fn f() {}",
            "`max_allocs` needs a function that is not async",
        ),
    ] {
        assert_eq!(messages(args, item, None), [told]);
    }
    assert_debug_snapshot!(messages("name = \"x\"", "impl A { fn f() {} }", Some("lines")), @r#"
[
    "`name` goes on a single function",
]
"#);
    assert_debug_snapshot!(messages("", "struct A;", Some("lines")), @r#"
[
    "`#[profile]` goes on a function, a method, an `impl` block, a trait or an inline module",
]
"#);
    assert_debug_snapshot!(messages("", "mod a;", None), @r#"
[
    "`#[profile]` cannot see the content of a module in another file; annotate the items there",
]
"#);
    let statements =
        "fn f() { #[mark(3)] a(); #[mark] #[skip] b(); #[skip(x)] c(); #[mark = 1] d(); }";
    for switch in [None, Some("calls")] {
        assert_eq!(
            messages("", statements, switch),
            messages("", statements, Some("lines"))
        );
    }
    assert_debug_snapshot!(messages("", statements, Some("lines")), @r#"
[
    "expected `#[mark]` or `#[mark(\"label\")]`",
    "`#[mark]` and `#[skip]` exclude each other",
    "`#[skip]` on a statement takes no arguments",
    "expected `#[mark]` or `#[mark(\"label\")]`",
]
"#);
}

#[test]
fn the_switch_has_few_values() {
    for value in [
        "yes",
        "lines+",
        "lines+split+split",
        "calls+split",
        "+noalloc",
        "lines,split",
    ] {
        let messages = messages("", ITEM, Some(value));
        assert_eq!(messages.len(), 1, "{value}");
        assert!(
            messages[0].contains("`lines`, `lines+split` and `calls`"),
            "{messages:?}"
        );
    }
    for value in [
        "lines",
        "calls",
        "lines+split",
        "lines+noalloc",
        "lines+split+noalloc",
        "lines+noalloc+split",
        "calls+noalloc",
    ] {
        assert_eq!(messages("", ITEM, Some(value)), [""; 0], "{value}");
    }
}

#[test]
fn a_mistake_keeps_the_item() {
    let item = "fn f() { #[mark] work(); }";
    let expansion = expansion("skipp", item, Some("lines")).to_string();
    assert!(expansion.ends_with("fn f () { work () ; }"), "{expansion}");
}

#[test]
fn what_does_not_parse_is_an_error_only_where_it_was_to_be_measured() {
    let item = "fn f () { newer syntax }";
    assert_eq!(messages("", item, Some("lines")).len(), 1);
    assert_eq!(messages("always", item, None).len(), 1);
    assert_eq!(expansion("", item, None).to_string(), item);
}

#[test]
fn a_table_has_room_for_4096_lines() {
    let mut item = "fn f() {\n".to_owned();
    for _ in 0..5000 {
        item.push_str("work();\n");
    }
    item.push('}');
    let text = expansion("", &item, Some("lines")).to_string();
    assert_eq!(text.matches("LineSite").count(), 4096);
    assert_eq!(text.matches("Frame :: line").count(), 4096);
    assert_eq!(text.matches("work ()").count(), 5000);
}
