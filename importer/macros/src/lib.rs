//! Models as Rust modules without a build script.
//!
//! With `exactum-macros` and `exactum-runtime` among its dependencies, a firmware has a model by
//!
//! ```ignore
//! mod model {
//!     exactum_macros::model!("model.onnx", "--target", "mps2-an386");
//! }
//!
//! let mut model = model::Model::new();
//! let outputs = model.run_f32(&samples);
//! ```

use std::path::PathBuf;

use exactum_importer::cli::{Module, module};
use proc_macro::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, LitStr, Token};

/// The items of the module that `exactum build --emit rust` writes for a model: `model!("model.onnx", "--target",
/// "mps2-an386")`.
///
/// First the path of the ONNX file, then options of `exactum build` that say what the program is to be, each a string. Paths
/// are relative to the manifest of the crate. The crate is compiled again when one of the files changes.
///
/// Where the model does not compile, or does not fit the target, the compiler's diagnostics are the error. What it warns of is
/// shown by `exactum check`.
///
/// Cargo compiles macros, and with them the compiler of models, without optimization. Large models compile several times
/// faster with `opt-level = 3` in `[profile.release.build-override]` (and `dev`) of the workspace.
#[proc_macro]
pub fn model(arguments: TokenStream) -> TokenStream {
    items(arguments).unwrap_or_else(|error| error.into_compile_error().into())
}

fn items(arguments: TokenStream) -> Result<TokenStream, Error> {
    let parts = |input: ParseStream<'_>| {
        let model: LitStr = input.parse()?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok((model, Punctuated::<LitStr, Token![,]>::parse_terminated(input)?))
    };
    let (model, options) = parts.parse(arguments)?;
    let failed = |problem: &str| Error::new(model.span(), problem);
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let folder = folder.ok_or_else(|| failed("CARGO_MANIFEST_DIR is not set"))?;
    let Module { mut text, files, .. } =
        module(&folder, model.value().as_ref(), options.iter().map(LitStr::value))
            .map_err(|error| failed(&error))?;
    for file in files {
        let file = file.to_str().ok_or_else(|| failed("paths have to be UTF-8"))?;
        // Which tells the compiler that the crate depends on it.
        text.push_str(&format!("const _: &[u8] = include_bytes!({file:?});\n"));
    }
    text.parse().map_err(|error| failed(&format!("please report this with the model: {error}")))
}
