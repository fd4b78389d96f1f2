package org.unifiedvolume.raid.parity;

import java.util.Arrays;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Buffers;

/// Makes, mends and checks the chunks of a stripe in memory.
///
/// `data` are the data chunks by data index, or the same part of each of them; `p` and `q` the same
/// part of the parity. All are of one length, from 0 on, in any slices and of any alignment. A
/// missing data chunk (`null`) counts as zeroes, unless it is to be recovered. What is to be made
/// is written where it stands: in `p`, `q`, or the entry of `data`, which then must have memory of
/// its own. All else is only read.
///
/// Safe for concurrent use on different memory; never blocks.
public final class Parity {
    /// What goes through several passes at once, so that all but the first find it in the cache.
    private static final long BLOCK_BYTES = 16 << 10;

    private final ParityKernel kernel;

    public Parity(ParityKernel kernel) {
        this.kernel = kernel;
    }

    /// Makes P.
    public void generate(Buffers[] data, Buffers p) {
        each(
                operands(data, p),
                p.length(),
                (strips, from, length) ->
                        kernel.generateP(data(strips, data), strips[data.length], from, length));
    }

    /// Makes P and Q, in one pass over the data.
    public void generate(Buffers[] data, Buffers p, Buffers q) {
        each(
                operands(data, p, q),
                p.length(),
                (strips, from, length) ->
                        kernel.generatePQ(
                                data(strips, data),
                                strips[data.length],
                                strips[data.length + 1],
                                from,
                                length));
    }

    /// Makes P right for one data chunk that changes, whichever it is.
    public void update(Buffers before, Buffers after, Buffers p) {
        each(
                operands(new Buffers[] {before, after, p}),
                p.length(),
                (strips, from, length) -> kernel.generateP(strips, strips[2], from, length));
    }

    /// Makes P and Q right for one data chunk that changes.
    public void update(int dataIndex, Buffers before, Buffers after, Buffers p, Buffers q) {
        int factor = GaloisField.power(dataIndex);
        each(
                operands(new Buffers[] {before, after}, p, q),
                p.length(),
                (strips, from, length) -> {
                    kernel.generateP(Arrays.copyOf(strips, 3), strips[2], from, length);
                    kernel.multiplyAdd(factor, strips[0], strips[1], strips[3], from, length);
                });
    }

    /// Makes Q alone.
    public void generateQ(Buffers[] data, Buffers q) {
        each(
                operands(data, q),
                q.length(),
                (strips, from, length) ->
                        kernel.generateQ(data(strips, data), strips[data.length], from, length));
    }

    /// Makes P from the one before, for any data chunks that change.
    ///
    /// @param before the data before the change, `null` for zeroes and where nothing changes
    /// @param after the data after it, likewise
    public void renewP(Buffers[] before, Buffers[] after, Buffers oldP, Buffers p) {
        Buffers[] sources = operands(before, operands(after, oldP));
        each(
                operands(sources, p),
                p.length(),
                (strips, from, length) ->
                        kernel.generateP(
                                data(strips, sources), strips[sources.length], from, length));
    }

    /// As [#renewP], for Q.
    public void renewQ(Buffers[] before, Buffers[] after, Buffers oldQ, Buffers q) {
        int count = before.length;
        each(
                operands(before, operands(after, oldQ, q)),
                q.length(),
                (strips, from, length) -> {
                    Strip target = strips[2 * count + 1];
                    kernel.generateP(new Strip[] {strips[2 * count]}, target, from, length);
                    for (int i = 0; i < count; i++) {
                        Strip one = strips[i] == null ? strips[count + i] : strips[i];
                        Strip other = strips[i] == null ? null : strips[count + i];
                        if (one != null) {
                            kernel.multiplyAdd(
                                    GaloisField.power(i), one, other, target, from, length);
                        }
                    }
                });
    }

    /// Recovers a data chunk from P and the other data.
    public void recoverFromP(Buffers[] data, int lost, Buffers p) {
        each(
                operands(data, p),
                p.length(),
                (strips, from, length) ->
                        recoverFromP(data(strips, data), lost, strips[data.length], from, length));
    }

    /// Recovers a data chunk from Q and the other data.
    public void recoverFromQ(Buffers[] data, int lost, Buffers q) {
        each(
                operands(data, q),
                q.length(),
                (strips, from, length) ->
                        recoverFromQ(data(strips, data), lost, strips[data.length], from, length));
    }

    /// Recovers a data chunk and P from Q and the other data.
    public void recoverWithP(Buffers[] data, int lost, Buffers p, Buffers q) {
        each(
                operands(data, p, q),
                q.length(),
                (strips, from, length) -> {
                    Strip[] sources = data(strips, data);
                    recoverFromQ(sources, lost, strips[data.length + 1], from, length);
                    kernel.generateP(sources, strips[data.length], from, length);
                });
    }

    /// Recovers a data chunk and Q from P and the other data.
    public void recoverWithQ(Buffers[] data, int lost, Buffers p, Buffers q) {
        each(
                operands(data, p, q),
                p.length(),
                (strips, from, length) -> {
                    Strip[] sources = data(strips, data);
                    recoverFromP(sources, lost, strips[data.length], from, length);
                    kernel.generateQ(sources, strips[data.length + 1], from, length);
                });
    }

    /// Recovers two data chunks from P, Q and the other data.
    public void recoverTwo(Buffers[] data, int lost, int alsoLost, Buffers p, Buffers q) {
        Invariant.check(lost != alsoLost, "data chunk %d is lost twice", lost);
        each(
                operands(data, p, q),
                p.length(),
                (strips, from, length) ->
                        recoverTwo(strips, data.length, lost, alsoLost, from, length));
    }

    /// Whether P fits the data.
    public boolean check(Buffers[] data, Buffers p) {
        ParityCheck check = new ParityCheck(kernel, data.length);
        Runs.each(operands(data, p), p.length(), check::compareP);
        return check.verdict() instanceof Verdict.Consistent;
    }

    /// Whether Q fits the data, where there is no P to compare.
    public boolean checkQ(Buffers[] data, Buffers q) {
        ParityCheck check = new ParityCheck(kernel, data.length);
        Runs.each(operands(data, q), q.length(), check::compareQ);
        return check.verdict() instanceof Verdict.Consistent;
    }

    /// Whether P and Q fit the data, and if not, which single chunk explains it.
    ///
    /// One answer for the whole length: where chunks went wrong at different places on different
    /// members, shorter parts tell more.
    public Verdict check(Buffers[] data, Buffers p, Buffers q) {
        ParityCheck check = new ParityCheck(kernel, data.length);
        Runs.each(operands(data, p, q), p.length(), check::comparePQ);
        return check.verdict();
    }

    private void recoverFromP(Strip[] data, int lost, Strip p, long from, long length) {
        Strip[] others = data.clone();
        others[lost] = p;
        kernel.generateP(others, data[lost], from, length);
    }

    /// With Q' the Q of the other data: `data[x] = (Q + Q') / 2^x`.
    private void recoverFromQ(Strip[] data, int lost, Strip q, long from, long length) {
        Strip target = data[lost];
        Strip[] others = data.clone();
        others[lost] = null;
        kernel.generateQ(others, target, from, length);
        kernel.multiply(GaloisField.power(-lost), target, q, target, from, length);
    }

    /// With P' and Q' those of the other data, x and y the lost ones, two equations remain:
    ///
    /// ```
    ///        data[x] +       data[y] = P + P'        data[x] = ((Q + Q') / 2^x + 2^(y-x) (P + P'))
    ///  2^x * data[x] + 2^y * data[y] = Q + Q'                  / (1 + 2^(y-x))
    /// ```
    ///
    /// The sums are gathered where the lost data goes.
    private void recoverTwo(
            Strip[] strips, int count, int lost, int alsoLost, long from, long length) {
        Strip x = strips[lost];
        Strip y = strips[alsoLost];
        Strip p = strips[count];
        Strip q = strips[count + 1];
        Strip[] others = Arrays.copyOf(strips, count);
        others[lost] = null;
        others[alsoLost] = null;
        int ratio = GaloisField.power(alsoLost - lost);
        int divisor = GaloisField.inverse(1 ^ ratio);
        kernel.generatePQ(others, y, x, from, length);
        kernel.generateP(new Strip[] {y, p}, y, from, length);
        int ofQ = GaloisField.multiply(divisor, GaloisField.power(-lost));
        kernel.multiply(ofQ, x, q, x, from, length);
        kernel.multiplyAdd(GaloisField.multiply(divisor, ratio), y, null, x, from, length);
        kernel.generateP(new Strip[] {y, x}, y, from, length);
    }

    private interface Passes {
        void run(Strip[] strips, long from, long length);
    }

    private static void each(Buffers[] operands, long length, Passes passes) {
        Runs.each(
                operands,
                length,
                (strips, _, runLength) -> {
                    for (long from = 0; from < runLength; from += BLOCK_BYTES) {
                        passes.run(strips, from, Math.min(BLOCK_BYTES, runLength - from));
                    }
                    return true;
                });
    }

    private static Buffers[] operands(Buffers[] data, Buffers... parity) {
        Buffers[] operands = Arrays.copyOf(data, data.length + parity.length);
        System.arraycopy(parity, 0, operands, data.length, parity.length);
        return operands;
    }

    private static Strip[] data(Strip[] strips, Buffers[] data) {
        return Arrays.copyOf(strips, data.length);
    }
}
