package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `uvol grow NAME --size max`: uses more of the members; `--legs 3`: has another number of legs;
/// `--add URI`: has more members.
@Command(
        name = "grow",
        description = {
            "--size lets an array use more of its members while it works, after these were replaced"
                    + " by larger ones, or enlarged while the service was stopped.",
            "",
            "--legs gives a mirror more legs, or fewer. New ones are named with --add, or are spares,"
                    + " and are filled in the background. Those that go are named with --remove;"
                    + " else the lost ones go first, then the last ones, and never all that are in"
                    + " sync. Change the configuration too.",
            "",
            "--add alone gives a linear or raid0 with superblocks, or a raid5 or raid6, more members."
                    + " A linear array has their space at once. The bytes of the others are laid out"
                    + " anew over all members while it is used, which goes on where it was after a stop or a crash; when"
                    + " that has ended it is larger. uvol detail tells how far it is. Write the new"
                    + " members into the configuration before the next start.",
            "",
            "FUSE clients see the new size within a second, NBD clients when they connect anew. What"
                    + " stands on the volume has to be grown after that: a loop device by losetup -c,"
                    + " a filesystem by resize2fs."
        },
        footer = {
            "",
            "Examples:",
            "  uvol grow media --size max",
            "  uvol grow media --size 20GiB",
            "  uvol grow media --legs 3 --add /srv/c.img?size=10GiB",
            "  uvol grow media --legs 2 --remove c.img",
            "  uvol grow stripe --add /srv/c.img?size=10GiB --max-rate 50MiB"
        })
final class GrowCommand implements Callable<Integer> {
    private static final String MAX = "max";

    @Mixin private ChosenVolume chosen;
    @Mixin private GivenUp givenUp;
    @Spec private CommandSpec spec;

    @Option(
            names = "--size",
            paramLabel = "max|SIZE",
            description =
                    "How large the volume shall be: as large as its members allow, or a size.")
    private String size;

    @Option(
            names = "--legs",
            paramLabel = "COUNT",
            description = "How many legs the mirror shall have.")
    private int legs;

    @Option(
            names = "--add",
            paramLabel = "URI",
            description = "A new member; may be given several times.")
    private List<String> added = List.of();

    @Option(
            names = "--remove",
            paramLabel = "MEMBER",
            description = "A member that goes; may be given several times.")
    private List<String> gone = List.of();

    @Option(
            names = "--max-rate",
            paramLabel = "SIZE",
            description = "Lay out anew at most so much a second.")
    private String maxRate;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        checkWhatBelongsTogether();
        if (isForMembers()) {
            return callForMembers();
        }
        return size == null ? callForLegs() : callForSize();
    }

    private boolean isForMembers() {
        return size == null && legs == 0 && !added.isEmpty();
    }

    private void checkWhatBelongsTogether() {
        boolean isForMembers = isForMembers();
        if (!isForMembers && (size == null) == (legs == 0)) {
            throw new ParameterException(
                    spec.commandLine(), "one of --size, --legs and --add says what is to grow");
        }
        if (size != null && !(added.isEmpty() && gone.isEmpty())) {
            throw new ParameterException(
                    spec.commandLine(), "--add and --remove are about members; leave out --size");
        }
        if (isForMembers && !gone.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--remove is about legs; write --legs too");
        }
        if (givenUp.isGiven() && added.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--force is about what new members carry; write --add too");
        }
        if (maxRate != null && !isForMembers) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--max-rate is about laying out anew; it belongs to --add alone");
        }
    }

    private List<String> absolute() throws ConfigFault {
        List<String> uris = new ArrayList<>();
        for (String uri : added) {
            uris.add(OfflineMembers.absolute(uri));
        }
        return uris;
    }

    private int callForMembers() throws ConfigFault, ControlFault, IOException {
        long rate = maxRate == null ? 0 : Units.parseSize(Place.COMMAND_LINE, maxRate);
        Reply answer =
                chosen.call(
                        givenUp.request("grow").with("added", absolute()).with("maxRate", rate));
        String now = Units.size(answer.number("size"));
        String later = Units.size(answer.number("later"));
        String ending =
                now.equals(later) ? "" : ", %s when its bytes are laid out anew".formatted(later);
        spec.commandLine()
                .getOut()
                .printf("%s: %s now%s; change the configuration too%n", chosen.name(), now, ending);
        return Main.DONE;
    }

    private int callForLegs() throws ConfigFault, ControlFault, IOException {
        Request request =
                givenUp.request("grow")
                        .with("legs", (long) legs)
                        .with("added", absolute())
                        .with("gone", gone);
        Reply answer = chosen.call(request);
        spec.commandLine()
                .getOut()
                .printf(
                        "%s: %d legs now; change the configuration too%n",
                        chosen.name(), answer.number("legs"));
        if (!answer.text("remark").isEmpty()) {
            spec.commandLine().getErr().println("uvol: " + answer.text("remark"));
        }
        return Main.DONE;
    }

    private int callForSize() throws ConfigFault, ControlFault, IOException {
        long bytes = size.equals(MAX) ? 0 : Units.parseSize(Place.COMMAND_LINE, size);
        Reply answer = chosen.call(Request.of("grow").with("size", bytes));
        spec.commandLine()
                .getOut()
                .printf("%s: %s now%n", chosen.name(), Units.size(answer.number("size")));
        return Main.DONE;
    }
}
