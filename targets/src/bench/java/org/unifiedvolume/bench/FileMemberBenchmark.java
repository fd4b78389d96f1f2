package org.unifiedvolume.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.targets.file.FileDevice;
import org.unifiedvolume.targets.file.FileOptions;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// What the whole stack (volume, request stack, member, lane, file) adds to a bare `pread` and
/// `pwrite` of 4 KiB: time on one CPU, and garbage.
///
/// The difference between the medians (`p0.50`) of `volumeRead` and `pread` is the added CPU time,
/// since one thread does everything and never waits; medians, because whatever else runs on the
/// machine shows in the averages. `gc.alloc.rate.norm` is the garbage per request.
///
/// ```
/// mvn -q -Pbench -pl targets -am -DskipTests package
/// java --enable-native-access=ALL-UNNAMED \
///   -cp targets/target/test-classes:targets/target/classes:$(cat targets/target/bench.classpath) \
///   org.openjdk.jmh.Main FileMemberBenchmark -prof gc
/// ```
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 2,
        jvmArgsAppend = {
            "--enable-native-access=ALL-UNNAMED",
            "-Djmh.executor=CUSTOM",
            "-Djmh.executor.class=org.unifiedvolume.bench.PoolThreadExecutor"
        })
public class FileMemberBenchmark {
    private static final int REQUEST_BYTES = 4096;
    private static final int FILE_BYTES = 256 << 20;

    private final SplittableRandom random = new SplittableRandom(1);
    private Path path;
    private EventLoop loop;
    private BufferPool pool;
    private IoContext context;
    private Volume volume;
    private FileDevice device;
    private int fd;
    private Block block;

    /// Makes a file in memory and a volume of it.
    @Setup
    public void open() throws IOException {
        path = Files.createTempFile(Path.of("/dev/shm"), "uvol-bench", ".img");
        Files.write(path, new byte[FILE_BYTES]);
        loop = new EventLoop(0);
        loop.start();
        pool = new BufferPool(64 << 20);
        context = new IoContext(pool, loop, new RequestIds());
        device = FileDevice.open(FileOptions.of(path), context);
        Lanes lanes = new Lanes();
        Tracer tracer = new Tracer(loop);
        Member member =
                new Member(
                        "file:" + path,
                        Locality.LOCAL,
                        device,
                        StackOptions.ofMember(OrderPolicy.Named.DEADLINE, 128, 30_000_000_000L),
                        context,
                        lanes,
                        tracer);
        volume =
                new Volume(
                        "bench",
                        member,
                        List.of(member),
                        lanes,
                        tracer,
                        StackOptions.ofVolume(OrderPolicy.Named.FAIR, 1024),
                        context);
        fd = FileCalls.open(path.toString(), FileCalls.O_RDWR, 0);
        block = pool.allocateBlock(REQUEST_BYTES);
    }

    /// Closes everything and removes the file.
    @TearDown
    public void close() throws IOException {
        block.release();
        FileCalls.close(fd);
        volume.close();
        loop.close();
        Files.delete(path);
    }

    private long offset() {
        return (long) random.nextInt(FILE_BYTES / REQUEST_BYTES) * REQUEST_BYTES;
    }

    /// The file itself.
    @Benchmark
    public long pread() {
        return FileCalls.pread(fd, block.address(), REQUEST_BYTES, offset());
    }

    /// The file itself.
    @Benchmark
    public long pwrite() {
        return FileCalls.pwrite(fd, block.address(), REQUEST_BYTES, offset());
    }

    /// The file behind the whole stack.
    @Benchmark
    public void volumeRead() {
        long offset = offset();
        volume.submit(
                new IoRequest.Read(
                        volume.tag(Operation.READ, offset, REQUEST_BYTES, 1),
                        offset,
                        REQUEST_BYTES),
                FileMemberBenchmark::readDone);
    }

    private static void readDone(IoRequest request, Outcome outcome) {
        outcome.discard();
    }

    /// The file behind the whole stack; the payload is there, as it is when it has been received.
    @Benchmark
    public void volumeWrite() {
        long offset = offset();
        Buffers payload = block.slice(0, REQUEST_BYTES);
        volume.submit(
                new IoRequest.Write(
                        volume.tag(Operation.WRITE, offset, REQUEST_BYTES, 1),
                        offset,
                        payload,
                        Durability.VOLATILE),
                FileMemberBenchmark::readDone);
    }
}
