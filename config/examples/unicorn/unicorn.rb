require "socket"

worker_processes 2

after_worker_ready do |server, worker|
  if worker.nr == 0
    notify = Socket.new(:UNIX, :DGRAM)
    notify.connect(Socket.sockaddr_un(ENV["NOTIFY_SOCKET"]))
    notify.write("READY=1")
    notify.close
  end
end
