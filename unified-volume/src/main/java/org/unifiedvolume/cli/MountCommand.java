package org.unifiedvolume.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol mount NAME DIR`: makes a volume's filesystem appear in a folder.
@Command(
        name = "mount",
        description = {
            "Mounts the filesystem on a volume, through FUSE and a loop device.",
            "",
            "--mkfs makes the filesystem first; a volume that holds one already, or anything else"
                    + " that is known, is only overwritten with --force."
        },
        footer = {
            "",
            "Examples:",
            "  uvol mount media /mnt",
            "  uvol mount media /mnt --mkfs ext4",
            "  uvol mount media /mnt --read-only"
        })
final class MountCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Parameters(index = "1", paramLabel = "DIR", description = "An existing folder.")
    private Path folder;

    @Option(
            names = "--mkfs",
            paramLabel = "TYPE",
            description = "Make a filesystem first: ext4, xfs or btrfs.")
    private String type;

    @Option(names = "--force", description = "Overwrite what the volume holds.")
    private boolean force;

    @Option(names = "--read-only", description = "Mount for reading only.")
    private boolean readOnly;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        if (force && type == null) {
            throw new ParameterException(
                    spec.commandLine(), "--force says what --mkfs may overwrite; add --mkfs");
        }
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("mount")
                                        .with("volume", volume)
                                        .with("folder", folder.toAbsolutePath().toString())
                                        .with("mkfs", type)
                                        .with("force", force)
                                        .with("readOnly", readOnly)));
        spec.commandLine()
                .getOut()
                .printf("%s is mounted on %s%n", answer.text("device"), answer.text("folder"));
        return Main.DONE;
    }
}
