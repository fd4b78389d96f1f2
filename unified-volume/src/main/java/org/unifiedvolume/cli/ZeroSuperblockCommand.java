package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.spi.LayoutMember;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol zero-superblock URI…`: makes members nobody's. Needs no running service.
@Command(
        name = "zero-superblock",
        description = {
            "Wipes the superblocks of devices, so that they belong to no array any more. Their"
                    + " data stay where they are, but the array is one member poorer for good.",
            "",
            "A device that a service uses is refused."
        },
        footer = {"", "Example:", "  uvol zero-superblock /srv/a.img"})
final class ZeroSuperblockCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "URI", arity = "1..*", description = "Devices, as members.")
    private List<String> uris;

    @Option(
            names = "--force",
            description =
                    "Wipe also superblocks that cannot be read; do not mind if none is there.")
    private boolean force;

    @Override
    public Integer call() throws ConfigFault, IOException {
        LogSetup.onlyWarnings();
        try (OfflineMembers members = new OfflineMembers()) {
            List<LayoutMember> all = members.openAll(uris, false);
            for (LayoutMember member : all) {
                OfflineMembers.tools().erase(member, force, members.io());
                spec.commandLine().getOut().printf("%s: belongs to no array%n", member.name());
            }
        }
        return Main.DONE;
    }
}
