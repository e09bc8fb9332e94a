//! Closures and async code (rules R9 to R11).
#![expect(clippy::too_many_lines, reason = "expansions as they are")]

use super::lines;
use insta::assert_snapshot;

#[test]
fn closures_with_lines_of_their_own() {
    assert_snapshot!(lines(
        "fn f(v: &[u32]) -> Vec<u32> {
    let short = v.iter().map(|x| { let y = x + 1; y });
    v.iter()
        .map(|x| x + 1)
        .filter(|x| {
            let odd = x % 2 == 1;
            odd
        })
        .map(|x| match x {
            1 => 2,
            _ => 3,
        })
        .collect()
}"
    ), @"
    fn f(v: &[u32]) -> Vec<u32> {
        static HPROF_SITE_F_1: Site = Function(2, 3, Brace(14));
        static HPROF_SITE_F_5_1: Site = Closure(6, 7, Brace(8));
        static HPROF_SITE_F_9_2: Site = Closure(9, 10, 11);
        let frame = enter(&HPROF_SITE_F_1);
        M(0);
        let short = v
            .iter()
            .map(|x| {
                let y = x + 1;
                y
            });
        M(1);
        let _brace = brace(2);
        v.iter()
            .map(|x| x + 1)
            .filter(|x| {
                let frame = enter(&HPROF_SITE_F_5_1);
                let drops = drop_glue(x);
                let x = x;
                let _leave = leave(2, drops);
                {
                    M(0);
                    let odd = x % 2 == 1;
                    M(1);
                    odd
                }
            })
            .map(|x| {
                let frame = enter(&HPROF_SITE_F_9_2);
                let drops = drop_glue(x);
                let x = x;
                let _leave = leave(0, drops);
                M(0);
                match x {
                    1 => {
                        M(1);
                        2
                    }
                    _ => {
                        M(2);
                        3
                    }
                }
            })
            .collect()
    }
    ");
}

#[test]
fn async_functions_bind_their_parameters_in_order() {
    assert_snapshot!(lines(
        "async fn w(&self, (a, _): P, mut b: Q, _c: R) -> Result<impl Show, E> {
    let x = self.next().await;
    x.show(a, b)
}"
    ), @"
    async fn w(&self, parameter_1: P, b: Q, parameter_3: R) -> Result<impl Show, E> {
        static HPROF_SITE_W_1: Site = AsyncFunction(2, 3, Brace(4));
        poll(
                &HPROF_SITE_W_1,
                async move {
                    if let ::core::option::Option::Some(output) = ::core::option::Option::None::<
                        Result<_, E>,
                    > {
                        return output;
                    }
                    let drops = drop_glue(parameter_1);
                    let drops = drops | drop_glue(b);
                    let drops = drops | drop_glue(parameter_3);
                    let _ = &self;
                    let parameter_1 = parameter_1;
                    let (a, _) = parameter_1;
                    let mut b = b;
                    let parameter_3 = parameter_3;
                    let _c = parameter_3;
                    let _leave = leave(2, drops);
                    {
                        M(0);
                        let x = self.next().await;
                        M(1);
                        let _brace = brace(2);
                        x.show(a, b)
                    }
                },
            )
            .await
    }
    ");
}

#[test]
fn async_functions_without_a_hint() {
    assert_snapshot!(lines("async fn w() -> impl Show { work().await }"), @r"
async fn w() -> impl Show {
    static HPROF_SITE_W_1: Site = AsyncFunction(1);
    poll(
            &HPROF_SITE_W_1,
            async move {
                {
                    M(0);
                    work().await
                }
            },
        )
        .await
}
");
}

#[test]
fn async_blocks_are_polled_in_a_frame() {
    assert_snapshot!(lines(
        "fn f(n: u32) -> impl Future<Output = u32> {
    let short = async { n };
    async move {
        let mut s = short.await;
        for x in 0..n {
            s += x;
        }
        run(|| {
            work();
        });
        s
    }
}"
    ), @r"
fn f(n: u32) -> impl Future<Output = u32> {
    static HPROF_SITE_F_1: Site = Function(2, 3, Brace(13));
    static HPROF_SITE_F_3_1: Site = AsyncBlock(4, LoopHeader(5), 6, 8, 11);
    static HPROF_SITE_F_8_2: Site = Closure(9);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    let short = async { n };
    M(1);
    let _brace = brace(2);
    poll(
        &HPROF_SITE_F_3_1,
        async move {
            M(0);
            let mut s = short.await;
            M(1);
            for x in 0..n {
                {
                    M(2);
                    s += x;
                }
                M(1);
            }
            M(3);
            run(|| {
                let frame = enter(&HPROF_SITE_F_8_2);
                M(0);
                work();
            });
            M(4);
            s
        },
    )
}
");
}

#[test]
fn async_closures_are_left_alone() {
    assert_snapshot!(lines(
        "fn f() {
    run(async |x| {
        work(x).await;
    });
    run(|x| async move {
        work(x).await;
    });
}"
    ), @r"
fn f() {
    static HPROF_SITE_F_1: Site = Function(2, 5);
    static HPROF_SITE_F_5_1: Site = AsyncBlock(6);
    let frame = enter(&HPROF_SITE_F_1);
    M(0);
    run(async |x| {
        work(x).await;
    });
    M(1);
    run(|x| poll(
        &HPROF_SITE_F_5_1,
        async move {
            M(0);
            work(x).await;
        },
    ));
}
");
}
