//! Stages that make one stream of two, element by element: what `add_streams` and `mul_streams` declare by `two_streams!`.

/// Declares the stage `$name` of FINN's operator `$op_type`, whose [`Kind`](super::Kind) is called `$kind`.
macro_rules! two_streams {
    ($(#[doc = $doc:literal])+ $name:ident, $kind:literal, $about:literal, $op_type:literal, $luts:expr) => {
        pub(super) const KIND: Kind =
            Kind { name: $kind, about: $about, folding: PE_DIVIDES_C, cycles: "C/PE * H*W" };

        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct $name {
            /// C: channels.
            pub channels: usize,
            /// H * W: pixels.
            pub pixels: usize,
            /// Bits of an element of each operand.
            pub input_bits: [u32; 2],
            /// Bits of a result.
            pub output_bits: u32,
        }

        impl Streaming for $name {
            fn kind(&self) -> Kind {
                KIND
            }

            fn op_type(&self) -> &'static str {
                $op_type
            }

            fn foldings(&self) -> Vec<Folding> {
                Folding::by_pe(self.channels)
            }

            fn cycles(&self, folding: Folding) -> u64 {
                self.output(folding).words_per_frame
            }

            fn input(&self, folding: Folding) -> Stream {
                Stream::new(self.input_bits[0], folding.pe, &[self.channels / folding.pe, self.pixels])
            }

            fn inputs(&self, folding: Folding) -> Vec<Stream> {
                let words = [self.channels / folding.pe, self.pixels];
                self.input_bits.iter().map(|bits| Stream::new(*bits, folding.pe, &words)).collect()
            }

            fn output(&self, folding: Folding) -> Stream {
                Stream::new(self.output_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
            }

            /// FINN counts nothing.
            fn resources(&self, folding: Folding, device: &Device) -> Resources {
                let each: fn(&Self, &Device) -> u64 = $luts;
                Resources::luts(each(self, device).saturating_mul(folding.pe as u64))
            }

            fn pixels(&self) -> [usize; 2] {
                [self.pixels; 2]
            }
        }
    };
}
pub(super) use two_streams;
