//! Copies of stores with something in every table.
//! Not for: the command line.
