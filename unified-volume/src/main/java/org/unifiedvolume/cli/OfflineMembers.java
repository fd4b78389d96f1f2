package org.unifiedvolume.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.service.Engine;
import org.unifiedvolume.service.MemberOpener;
import org.unifiedvolume.spi.ArrayTools;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.MemberPlan;

/// Members that a command opens by itself, without a service. One that a service has open is
/// refused by its lock.
final class OfflineMembers implements AutoCloseable {
    private static final long BUFFERS_BYTES = 32 << 20;

    private final Engine engine = new Engine(BUFFERS_BYTES, 0);
    private final Kinds kinds = Kinds.find();
    private final Path here = Path.of("").toAbsolutePath();
    private final List<LayoutMember> opened = new ArrayList<>();

    /// What works on members of arrays.
    static ArrayTools tools() {
        return ServiceLoader.load(ArrayTools.class)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no module knows arrays"));
    }

    Kinds kinds() {
        return kinds;
    }

    IoContext io() {
        return engine.context().io();
    }

    /// Opens a member.
    ///
    /// @param readOnly whether it is only looked at
    /// @return the member; missing if it cannot be opened
    LayoutMember open(String text, boolean readOnly) throws ConfigFault {
        DeviceUri uri = DeviceUri.parse(Place.COMMAND_LINE, here, text);
        if (readOnly) {
            uri.setDefault("readonly", "true");
        }
        MemberPlan plan = kinds.member(uri);
        LayoutMember member;
        try {
            plan.check();
            member = new MemberOpener(engine.context()).open(plan);
        } catch (IOException e) {
            member = LayoutMember.missing(plan.name(), plan.locality(), e.getMessage());
        }
        opened.add(member);
        return member;
    }

    /// As [#open], of several.
    List<LayoutMember> openAll(List<String> texts, boolean readOnly) throws ConfigFault {
        List<LayoutMember> members = new ArrayList<>();
        for (String text : texts) {
            members.add(open(text, readOnly));
        }
        return members;
    }

    /// Somebody else closes the members that were opened so far.
    void release() {
        opened.clear();
    }

    /// A member's URI that means the same in every folder.
    static String absolute(String text) throws ConfigFault {
        DeviceUri uri = DeviceUri.parse(Place.COMMAND_LINE, Path.of("").toAbsolutePath(), text);
        if (!uri.scheme().equals("file")) {
            return text;
        }
        int query = text.indexOf('?');
        return "file:" + uri.filePath() + (query < 0 ? "" : text.substring(query));
    }

    @Override
    public void close() {
        for (LayoutMember member : opened) {
            if (!member.isMissing()) {
                member.device().close();
            }
        }
        engine.close();
    }
}
