package org.unifiedvolume.raid.parity;

/// What P and Q of a stripe say about it.
public sealed interface Verdict {
    /// Data, P and Q agree.
    record Consistent() implements Verdict {}

    /// P alone does not fit.
    record WrongP() implements Verdict {}

    /// Q alone does not fit.
    record WrongQ() implements Verdict {}

    /// All would fit if this one data chunk were different: it can be recovered.
    record WrongData(int dataIndex) implements Verdict {}

    /// No single chunk explains it.
    record Unexplained() implements Verdict {}
}
