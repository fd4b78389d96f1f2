package org.unifiedvolume.raid.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class GaloisFieldTest {
    @Test
    void allProductsAreThoseOfPolynomials() {
        for (int a = 0; a < 256; a++) {
            for (int b = 0; b < 256; b++) {
                assertEquals(SlowReference.multiply(a, b), GaloisField.multiply(a, b));
            }
        }
    }

    @Test
    void powersAndLogarithmsBelongTogether() {
        for (int exponent = 0; exponent < 255; exponent++) {
            int power = SlowReference.power(2, exponent);
            assertEquals(power, GaloisField.power(exponent));
            assertEquals(power, GaloisField.power(exponent - 255));
            assertEquals(power, GaloisField.power(exponent + 2 * 255));
            assertEquals(exponent, GaloisField.logarithm(power));
            assertEquals(SlowReference.inverse(power), GaloisField.inverse(power));
        }
        assertThrows(AssertionError.class, () -> GaloisField.logarithm(0));
    }

    /// From H. P. Anvin, "The mathematics of RAID-6", section 2.
    @Test
    void knowsTheExamplesOfTheLiterature() {
        assertEquals(0x1d, GaloisField.power(8));
        assertEquals(0x8e, GaloisField.power(-1));
        assertEquals(0x8e, GaloisField.inverse(2));
    }
}
