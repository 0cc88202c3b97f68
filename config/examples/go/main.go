// A Go server under socket activation, with the standard library alone.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// As sd_listen_fds(3) does it: the first descriptor is 3.
func listener() (net.Listener, error) {
	count, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || count < 1 || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, fmt.Errorf("no socket was passed: LISTEN_FDS=%q", os.Getenv("LISTEN_FDS"))
	}
	file := os.NewFile(3, "listener")
	defer file.Close()
	return net.FileListener(file)
}

func notify(message string) {
	connection, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return
	}
	defer connection.Close()
	connection.Write([]byte(message))
}

func main() {
	socket, err := listener()
	if err != nil {
		log.Fatal(err)
	}
	generation := os.Getenv("SUP_GENERATION")
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from go, generation %s\n", generation)
	})}

	drained := make(chan struct{})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		server.Shutdown(context.Background())
		close(drained)
	}()

	notify("READY=1")
	if err := server.Serve(socket); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-drained
}
