package org.unifiedvolume.raid.parity;

/// Parity worked out slowly, from the definitions alone and with no code of the product: bytes are
/// polynomials multiplied bit by bit and divided by 0x11d, and what is lost is found by Gaussian
/// elimination over the equations that define P and Q.
final class SlowReference {
    private static final int POLYNOMIAL = 0x11d;

    private SlowReference() {}

    static int multiply(int a, int b) {
        int product = 0;
        for (int bit = 0; bit < 8; bit++) {
            if ((b >> bit & 1) == 1) {
                product ^= a << bit;
            }
        }
        for (int bit = 14; bit >= 8; bit--) {
            if ((product >> bit & 1) == 1) {
                product ^= POLYNOMIAL << (bit - 8);
            }
        }
        return product;
    }

    static int power(int base, int exponent) {
        int power = 1;
        for (int i = 0; i < exponent; i++) {
            power = multiply(power, base);
        }
        return power;
    }

    /// Found by trying all.
    static int inverse(int element) {
        for (int candidate = 1; candidate < 256; candidate++) {
            if (multiply(element, candidate) == 1) {
                return candidate;
            }
        }
        throw new AssertionError("no inverse of " + element);
    }

    static byte[] p(byte[][] data, int length) {
        byte[] p = new byte[length];
        for (byte[] chunk : data) {
            for (int at = 0; chunk != null && at < length; at++) {
                p[at] ^= chunk[at];
            }
        }
        return p;
    }

    static byte[] q(byte[][] data, int length) {
        byte[] q = new byte[length];
        for (int i = 0; i < data.length; i++) {
            int coefficient = power(2, i);
            for (int at = 0; data[i] != null && at < length; at++) {
                q[at] ^= (byte) multiply(coefficient, data[i][at] & 0xff);
            }
        }
        return q;
    }

    /// Solves for the lost ones of a stripe's chunks, in the order data, P, Q; at most two.
    ///
    /// The equations: the sum of all data and P is 0; the sum of `2^i * data[i]` and Q is 0.
    ///
    /// @param chunks those that are lost are overwritten
    static void solve(byte[][] chunks, int length, int... lost) {
        int dataCount = chunks.length - 2;
        int[][] coefficients = new int[2][chunks.length];
        for (int i = 0; i < dataCount; i++) {
            coefficients[0][i] = 1;
            coefficients[1][i] = power(2, i);
        }
        coefficients[0][dataCount] = 1;
        coefficients[1][dataCount + 1] = 1;
        for (int at = 0; at < length; at++) {
            int[][] rows = new int[2][lost.length + 1];
            for (int row = 0; row < 2; row++) {
                for (int i = 0; i < chunks.length; i++) {
                    int column = indexOf(lost, i);
                    if (column >= 0) {
                        rows[row][column] = coefficients[row][i];
                    } else {
                        rows[row][lost.length] ^=
                                multiply(coefficients[row][i], chunks[i][at] & 0xff);
                    }
                }
            }
            eliminate(rows, lost.length);
            for (int column = 0; column < lost.length; column++) {
                chunks[lost[column]][at] = (byte) rows[column][lost.length];
            }
        }
    }

    private static void eliminate(int[][] rows, int unknowns) {
        for (int column = 0; column < unknowns; column++) {
            int pivot = column;
            while (rows[pivot][column] == 0) {
                pivot++;
            }
            int[] row = rows[pivot];
            rows[pivot] = rows[column];
            rows[column] = row;
            int scale = inverse(row[column]);
            for (int i = 0; i < row.length; i++) {
                row[i] = multiply(row[i], scale);
            }
            for (int[] other : rows) {
                int factor = other[column];
                for (int i = 0; other != row && i < row.length; i++) {
                    other[i] ^= multiply(factor, row[i]);
                }
            }
        }
    }

    private static int indexOf(int[] values, int value) {
        for (int i = 0; i < values.length; i++) {
            if (values[i] == value) {
                return i;
            }
        }
        return -1;
    }
}
