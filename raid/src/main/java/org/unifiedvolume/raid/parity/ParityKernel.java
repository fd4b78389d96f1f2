package org.unifiedvolume.raid.parity;

/// The few loops over memory that all parity arithmetic is made of.
///
/// Every strip takes part with `length` bytes from `from` bytes after its begin on. A target may be
/// the same memory as a source, byte for byte; otherwise it overlaps none. Missing sources (`null`)
/// count as zeroes. Any alignment, any length from 0 on. Safe for concurrent use on different
/// memory.
public interface ParityKernel {
    /// What this kernel is made with, for reports.
    String name();

    /// Makes `p` the XOR of all data.
    void generateP(Strip[] data, Strip p, long from, long length);

    /// Makes `q` the sum of `2^i * data[i]`.
    void generateQ(Strip[] data, Strip q, long from, long length);

    /// [#generateP] and [#generateQ] in one pass over the data.
    void generatePQ(Strip[] data, Strip p, Strip q, long from, long length);

    /// Makes `target` the product of `factor` and the sum of two sources.
    ///
    /// @param factor from 0 to 255
    /// @param b may be `null`
    void multiply(int factor, Strip a, Strip b, Strip target, long from, long length);

    /// Adds to `target` the product of `factor` and the sum of two sources.
    ///
    /// @param factor from 0 to 255
    /// @param b may be `null`
    void multiplyAdd(int factor, Strip a, Strip b, Strip target, long from, long length);
}
