//! Declares the fixed layouts of the format, once, for reader, writer and documentation.

/// One field of a record, as `docs/program-format.md` lists it.
#[cfg(test)]
pub(crate) struct Field {
    pub(crate) offset_bytes: usize,
    pub(crate) name: &'static str,
    pub(crate) ty: &'static str,
    pub(crate) about: &'static str,
}

/// A `repr(C)` struct without padding, read and written in place. Each field's text is its documentation here and
/// in the tables of the format.
macro_rules! record {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($field_vis:vis $field:ident: $ty:ty = $about:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::KnownLayout,
            zerocopy::Immutable,
        )]
        #[repr(C)]
        $vis struct $name {
            $(#[doc = $about] $field_vis $field: $ty,)*
        }

        #[cfg(test)]
        impl $name {
            /// The fields in order, for the documentation.
            pub(crate) const FIELDS: &'static [$crate::record::Field] = &[
                $($crate::record::Field {
                    offset_bytes: core::mem::offset_of!($name, $field),
                    name: stringify!($field),
                    ty: stringify!($ty),
                    about: $about,
                },)*
            ];
        }
    };
}
pub(crate) use record;
