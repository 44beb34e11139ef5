package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// plugin advertises devices that do not exist to a kubelet that is real: what asks for them is counted, placed and refused
// as it would be with the vendor's plugin. A container that gets some is told which by NVIDIA_VISIBLE_DEVICES.
type plugin struct {
	api.UnimplementedDevicePluginServer
	devices []*api.Device
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

func (p *plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	if err := stream.Send(&api.ListAndWatchResponse{Devices: p.devices}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return nil
}

func (p *plugin) Allocate(_ context.Context, request *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, each := range request.ContainerRequests {
		response.ContainerResponses = append(response.ContainerResponses, &api.ContainerAllocateResponse{
			Envs: map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(each.DevicesIds, ",")},
		})
	}
	return response, nil
}

func devicePlugin() int {
	flags := flag.NewFlagSet("device-plugin", flag.ExitOnError)
	folder := flags.String("folder", api.DevicePluginPath, "the kubelet's device-plugins folder")
	resource := flags.String("resource", "nvidia.com/gpu", "the resource to advertise")
	count := flags.Int("count", 1, "how many devices to advertise")
	_ = flags.Parse(os.Args[1:])
	devices := make([]*api.Device, *count)
	for i := range devices {
		devices[i] = &api.Device{ID: fmt.Sprintf("GPU-test-%d", i), Health: api.Healthy}
	}
	// A kubelet that starts anew removes every socket of its folder and expects the plugins to register again.
	for {
		if err := serve(*folder, *resource, &plugin{devices: devices}); err != nil {
			fmt.Fprintf(os.Stderr, "device plugin for %s: %v; trying again in a second\n", *resource, err)
		}
		time.Sleep(time.Second)
	}
}

// serve registers with the kubelet and returns when the kubelet has removed the socket or cannot be reached.
func serve(folder, resource string, service api.DevicePluginServer) error {
	endpoint := "mnemos-test-" + strings.ReplaceAll(resource, "/", "-") + ".sock"
	path := filepath.Join(folder, endpoint)
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	api.RegisterDevicePluginServer(server, service)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	connection, err := grpc.NewClient("unix://"+filepath.Join(folder, "kubelet.sock"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: endpoint, ResourceName: resource}
	if _, err := api.NewRegistrationClient(connection).Register(ctx, request); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	for {
		time.Sleep(time.Second)
		if _, err := os.Lstat(path); err != nil {
			return fmt.Errorf("the kubelet removed the socket: %w", err)
		}
	}
}
