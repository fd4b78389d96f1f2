package org.unifiedvolume.transport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.loop.Loop;

/// Streams over Netty's NIO channels. They can be encrypted, and they work on every platform.
public final class NettyTransport implements Transport, AutoCloseable {
    private final MultiThreadIoEventLoopGroup group;
    private final List<NettyLoop> loops = new ArrayList<>();
    private final BufferPool pool;

    public NettyTransport(int threads, BufferPool pool) {
        this.pool = pool;
        this.group = new MultiThreadIoEventLoopGroup(threads, NioIoHandler.newFactory());
        for (EventExecutor executor : group) {
            loops.add(new NettyLoop((EventLoop) executor));
        }
    }

    @Override
    public void loops(Consumer<Loop> each) {
        loops.forEach(each);
    }

    private NettyLoop loopOf(Channel channel) {
        for (NettyLoop loop : loops) {
            if (loop.netty() == channel.eventLoop()) {
                return loop;
            }
        }
        throw new AssertionError("a channel runs on a loop of another group");
    }

    @Override
    public Listener listen(SocketAddress address, Function<ByteStream, StreamHandler> accepted)
            throws IOException {
        StaleSocket.clear(address);
        boolean unix = address instanceof UnixDomainSocketAddress;
        Class<? extends ServerChannel> kind =
                unix ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class;
        ServerBootstrap bootstrap =
                new ServerBootstrap()
                        .group(group)
                        .channel(kind)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        adopt(channel, accepted);
                                    }
                                });
        if (!unix) {
            bootstrap
                    .option(ChannelOption.SO_REUSEADDR, true)
                    .childOption(ChannelOption.TCP_NODELAY, true)
                    .childOption(ChannelOption.SO_KEEPALIVE, true);
        }
        ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on %s: %s"
                            .formatted(SocketCalls.name(address), bound.cause().getMessage()),
                    bound.cause());
        }
        Channel channel = bound.channel();
        return new Listener() {
            @Override
            public SocketAddress address() {
                return unix ? address : channel.localAddress();
            }

            @Override
            public void close() {
                channel.close().awaitUninterruptibly();
                if (address instanceof UnixDomainSocketAddress path) {
                    path.getPath().toFile().delete();
                }
            }
        };
    }

    private void adopt(Channel channel, Function<ByteStream, StreamHandler> sessions) {
        NettyStream stream = new NettyStream(channel, loopOf(channel), pool);
        StreamHandler session = sessions.apply(stream);
        if (session == null) {
            channel.close();
            return;
        }
        stream.start(session);
        channel.pipeline().addLast("stream", stream);
    }

    @Override
    public void dial(SocketAddress address, Loop loop, long timeoutNanos, Dialled dialled) {
        Bootstrap bootstrap =
                new Bootstrap()
                        .group(((NettyLoop) loop).netty())
                        .handler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {}
                                })
                        .option(
                                ChannelOption.CONNECT_TIMEOUT_MILLIS,
                                (int) TimeUnit.NANOSECONDS.toMillis(timeoutNanos));
        if (address instanceof UnixDomainSocketAddress) {
            bootstrap.channel(NioDomainSocketChannel.class);
        } else {
            bootstrap
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.TCP_NODELAY, true)
                    .option(ChannelOption.SO_KEEPALIVE, true);
        }
        // Nothing is read before the session is in place.
        bootstrap.option(ChannelOption.AUTO_READ, false);
        bootstrap
                .connect(address)
                .addListener(
                        (ChannelFuture connected) -> {
                            if (connected.isSuccess()) {
                                adopt(connected.channel(), dialled::connected);
                                connected.channel().config().setAutoRead(true);
                            } else {
                                dialled.failed(
                                        new IOException(
                                                "cannot connect to %s: %s"
                                                        .formatted(
                                                                SocketCalls.name(address),
                                                                connected.cause().getMessage()),
                                                connected.cause()));
                            }
                        });
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
