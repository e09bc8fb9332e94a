//! Functions that another attribute above ours has rewritten: tokens with the places of others, as such attributes make them.

use super::{Plain, readable::readable};
use insta::assert_snapshot;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

const TEXT: &str = "#[main]
#[profile]
async fn main() {
    let a = step().await;
    work(a);
}";

/// The expansion of what `make` makes of the body of [`TEXT`]: it gets the body and the places of the attribute and of the last token.
fn expanded(make: impl FnOnce(TokenStream, Span, Span) -> TokenStream) -> String {
    let tokens: Vec<TokenTree> = TEXT.parse::<TokenStream>().unwrap().into_iter().collect();
    let attribute = tokens[0].span();
    let Some(TokenTree::Group(body)) = tokens.last() else {
        panic!("a body");
    };
    let last = body.stream().into_iter().last().unwrap().span();
    let braced = |stream: TokenStream| {
        let mut group = Group::new(Delimiter::Brace, stream);
        group.set_span(attribute);
        TokenTree::Group(group)
    };
    let made = make(body.to_token_stream(), attribute, last);
    // Behind the attributes, and without `async`.
    let head = tokens[5..tokens.len() - 1].iter().cloned();
    let item = head.chain([braced(made)]).collect();
    let source = Plain {
        fitted: None,
        text: TEXT.to_owned(),
    };
    readable(crate::expand::expand(
        TokenStream::new(),
        item,
        Some("lines"),
        &source,
    ))
}

/// Gives all tokens one place.
fn at(place: Span, tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => {
                let mut group = Group::new(group.delimiter(), at(place, group.stream()));
                group.set_span(place);
                TokenTree::Group(group)
            }
            mut other => {
                other.set_span(place);
                other
            }
        })
        .collect()
}

/// As `#[tokio::main]` does it: the runtime has the place of the user's last token.
#[test]
fn a_runtime_stands_on_the_row_of_the_function() {
    assert_snapshot!(expanded(|body, attribute, last| {
        let before = at(attribute, quote!(let body = async));
        let end = at(attribute, quote!(;));
        let runtime = at(last, quote!({ return build().block_on(body); }));
        quote!(#before #body #end #runtime)
    }), @"
    fn main() {
        static HPROF_SITE_MAIN_1: Site = Function(1, 3);
        static HPROF_SITE_MAIN_1_1: Site = AsyncBlock(4, 5);
        let frame = enter(&HPROF_SITE_MAIN_1);
        M(0);
        let body = poll(
            &HPROF_SITE_MAIN_1_1,
            async {
                M(0);
                let a = step().await;
                M(1);
                work(a);
            },
        );
        M(1);
        let _brace = brace(0);
        {
            return build().block_on(body);
        }
    }
    ");
}

/// The runtime has the place of its attribute.
#[test]
fn so_does_a_wrapper_at_the_place_of_its_attribute() {
    assert_snapshot!(expanded(|body, attribute, _| {
        let arguments = quote_spanned!(attribute=> (async move #body));
        let call = at(attribute, quote!(System::new().block_on));
        quote!(#call #arguments)
    }), @"
    fn main() {
        static HPROF_SITE_MAIN_1: Site = Function(1);
        static HPROF_SITE_MAIN_1_1: Site = AsyncBlock(4, 5);
        let frame = enter(&HPROF_SITE_MAIN_1);
        M(0);
        System::new()
            .block_on(
                poll(
                    &HPROF_SITE_MAIN_1_1,
                    async move {
                        M(0);
                        let a = step().await;
                        M(1);
                        work(a);
                    },
                ),
            )
    }
    ");
}

/// A body in a function inside is still the user's.
#[test]
fn a_body_that_moved_into_a_function_inside_is_measured_there() {
    assert_snapshot!(expanded(|body, attribute, _| {
        let head = at(attribute, quote!(fn main()));
        let call = at(attribute, quote!(main()));
        quote!(#head #body #call)
    }), @"
    fn main() {
        fn main() {
            static HPROF_SITE_MAIN_1: Site = Function(4, 5, Brace(6));
            let frame = enter(&HPROF_SITE_MAIN_1);
            M(0);
            let a = step().await;
            M(1);
            work(a);
            #[allow(unreachable_code)] M(2);
        }
        main()
    }
    ");
}

#[test]
fn a_body_that_is_elsewhere_is_noted() {
    assert_snapshot!(expanded(|_, attribute, _| at(attribute, quote!(super::main(1)))), @r#"
    fn main() {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_not_measured"))]
        #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_not_meas"))]
        #[used]
        static HPROF_SITE_MAIN_3_0: &::hprof::__private::NotMeasured = &::hprof::__private::NotMeasured {
            why: ::hprof::__private::WhyNot::Hidden,
            module: ::core::module_path!(),
            name: "main",
            file: "src/main.rs",
            line: 1,
        };
        static HPROF_SITE_MAIN_1: Site = Function(WholeBody(3));
        let frame = enter(&HPROF_SITE_MAIN_1);
        M(0);
        super::main(1)
    }
    "#);
}
