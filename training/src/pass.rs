//! What a pass over a network tells its parts, down to parameters and components of quantizers.

/// How a forward pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Fake quantization inside an autograd graph; statistics are collected.
    Train,
    /// Exact integers; nothing changes.
    Eval,
}

/// What is to happen to statistics of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Forget what was collected; from now on take the mean of all batches, without end.
    Start,
    /// The parameter is as it stands from now on. Ends a start without batches as if it had not been.
    End,
}
