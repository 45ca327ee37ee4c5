//! Requantizations: a static for each, of the type of its form.

use exactum_runtime::num::Requant;
use exactum_runtime::num::requant::{Entries, Form};
use exactum_runtime::num::requant_forms;

use super::arrays::Statics;

/// The expression of an array of a form.
macro_rules! array {
    ($statics:ident, $name:expr, $array:ident code) => {{
        let entries = match $array {
            Entries::I8(codes) => format!("I8({})", $statics.array(&$name, "i8", codes)),
            Entries::U8(codes) => format!("U8({})", $statics.array(&$name, "u8", codes)),
            Entries::I16(codes) => format!("I16({})", $statics.array(&$name, "i16", codes)),
        };
        format!("rt::Entries::{entries}")
    }};
    ($statics:ident, $name:expr, $array:ident $ty:tt) => {
        $statics.array(&$name, stringify!($ty), $array)
    };
}

macro_rules! write_form {
    ($(
        $(#[doc = $formula:literal])+
        $number:literal $form:ident $text:literal $acc_bits:literal $bits:literal {
            $($(#[doc = $about:literal])+ $array:ident: $ty:tt $what:ident,)*
        } [$($(#[doc = $single_about:literal])+ $single:ident: $single_ty:ty,)*];
    )*) => {
        /// The name of a form's type, and its fields with their values.
        fn fields(form: Form<'_>, prefix: &str, statics: &mut Statics) -> (&'static str, Vec<String>) {
            match form {
                $(Form::$form { $($array,)* $($single,)* } => {
                    let mut fields = vec![];
                    $(fields.push(format!(
                        concat!(stringify!($array), ": {}"),
                        array!(statics, format!("{prefix}_{}", stringify!($array).to_uppercase()), $array $ty)
                    ));)*
                    $(fields.push(format!(concat!(stringify!($single), ": {}"), $single));)*
                    (stringify!($form), fields)
                })*
            }
        }
    };
}

requant_forms!(write_form);

/// Declares what makes codes of accumulators; what refers to it.
pub(super) fn finish(requant: Option<&Requant<'_>>, prefix: &str, statics: &mut Statics) -> String {
    let Some(requant) = requant else { return "&rt::Plain".to_owned() };
    let (form, fields) = fields(requant.form, prefix, statics);
    let value = format!(
        "rt::Known {{\n    form: rt::forms::{form} {{ {} }},\n    codes: [{}, {}],\n}}",
        fields.join(", "),
        requant.lo,
        requant.hi
    );
    statics.item(&format!("{prefix}_FORM"), &format!("rt::Known<rt::forms::{form}<'static>>"), &value)
}
