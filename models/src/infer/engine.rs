//! What every runtime does, as one trait: a network loaded by it, and what it says of a file that it does not take.

/// A network that is loaded: one input, one output, both of fixed shapes and, seen from here, of f32s row
/// by row. It may be used from many threads; some runtimes let them wait for each other.
pub(super) trait Engine: std::fmt::Debug + Send + Sync {
    /// The shape of what it gives.
    fn output(&self) -> &[usize];

    /// Runs it on one input, which has the right length.
    fn run(&self, input: &[f32]) -> Result<Vec<f32>, String>;
}

/// A file that a runtime does not take.
#[derive(Debug)]
pub(super) enum EngineError {
    /// What the runtime says.
    Network(String),
    /// Its shapes are others, with what it does.
    Shape(String),
}
