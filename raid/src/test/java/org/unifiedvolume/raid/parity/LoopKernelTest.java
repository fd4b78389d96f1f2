package org.unifiedvolume.raid.parity;

class LoopKernelTest extends ParityKernelContract {
    LoopKernelTest() {
        super(new LoopKernel());
    }
}
