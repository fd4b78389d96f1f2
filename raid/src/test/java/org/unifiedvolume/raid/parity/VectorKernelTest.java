package org.unifiedvolume.raid.parity;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class VectorKernelTest extends ParityKernelContract {
    VectorKernelTest() {
        super(new VectorKernel());
    }

    @Test
    void theProcessorThatRunsTestsHasVectors() {
        assertTrue(VectorKernel.isSupported());
    }
}
