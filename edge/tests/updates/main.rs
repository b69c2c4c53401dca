//! Updates of a bin's model through the signed repository: what somebody between hub and bin may try, links that break at
//! any byte, and power that goes at any step. A process of its own, because some of it is killed.

mod attacks;
mod bench;
mod breaks;
mod disk;
mod power;
