package org.unifiedvolume.raid.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Which kernel a process gets, in processes of their own.
class ParityKernelsTest {
    /// Prints which kernel was chosen.
    static final class Chosen {
        private Chosen() {}

        public static void main(String[] arguments) {
            System.out.println(ParityKernels.fastest().getClass().getSimpleName());
        }
    }

    @Test
    void vectorsAreUsedWhereTheModuleIsThere() throws Exception {
        assertEquals(
                List.of("WARNING: Using incubator modules: jdk.incubator.vector", "VectorKernel"),
                linesOf("--add-modules=jdk.incubator.vector"));
    }

    @Test
    void withoutTheModuleLoopsAreUsedWithoutAWord() throws Exception {
        assertEquals(List.of("LoopKernel"), linesOf());
    }

    private static List<String> linesOf(String... options) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), Chosen.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output.lines().toList();
    }
}
