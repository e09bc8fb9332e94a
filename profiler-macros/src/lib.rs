//! The `#[profile]` attribute.
use proc_macro::TokenStream;
/// Profiles a function line by line.
#[proc_macro_attribute]
pub fn profile(_args: TokenStream, item: TokenStream) -> TokenStream {
    item
}
