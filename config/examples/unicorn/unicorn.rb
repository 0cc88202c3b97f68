require "socket"

worker_processes 2
preload_app true # a broken application ends the master, which would otherwise keep trying for ever

after_worker_ready do |server, worker|
  if worker.nr == 0
    notify = Socket.new(:UNIX, :DGRAM)
    notify.connect(Socket.sockaddr_un(ENV["NOTIFY_SOCKET"]))
    notify.write("READY=1")
    notify.close
  end
end
