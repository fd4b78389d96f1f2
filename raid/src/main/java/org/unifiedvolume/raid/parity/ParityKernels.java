package org.unifiedvolume.raid.parity;

/// Chooses the kernel of this process.
public final class ParityKernels {
    private ParityKernels() {}

    /// The kernel on the Vector API if this JVM has the module and the processor vectors of at
    /// least 128 bits, else the one in plain Java.
    ///
    /// Not chosen by a measurement: code that is worth comparing has been compiled, which takes
    /// longer than the whole start. The measured difference is in `docs/performance.md`.
    public static ParityKernel fastest() {
        return Fastest.KERNEL;
    }

    /// The kernel in plain Java.
    public static ParityKernel loops() {
        return new LoopKernel();
    }

    private static final class Fastest {
        static final ParityKernel KERNEL = choose();

        private static ParityKernel choose() {
            boolean hasVectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
            // The class may be touched only where its module is there.
            return hasVectors && VectorKernel.isSupported() ? new VectorKernel() : new LoopKernel();
        }
    }
}
