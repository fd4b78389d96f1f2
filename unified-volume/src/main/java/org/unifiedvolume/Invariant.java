package org.unifiedvolume;

/// Checks that must hold unless our own code is wrong; always on.
///
/// A breach is never mended or ignored: it throws, and the device or session in which it happened
/// is stopped.
public final class Invariant {
    private Invariant() {}

    /// Throws if `holds` is false.
    ///
    /// @throws AssertionError with `message`
    public static void check(boolean holds, String message) {
        if (!holds) {
            throw new AssertionError("invariant broken: " + message);
        }
    }

    /// As [#check(boolean, String)]; the message is built only on a breach.
    ///
    /// @param format as in [String#format], filled with `value`
    public static void check(boolean holds, String format, long value) {
        if (!holds) {
            throw new AssertionError("invariant broken: " + format.formatted(value));
        }
    }
}
