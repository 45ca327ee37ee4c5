//! The application on this machine: sensors that a mock of the bus plays, ports that are slices, and a model of two classes.

mod accelerometer;
mod frames;
mod model;
mod sampled;
mod serve;
mod slots;
