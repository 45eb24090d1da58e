module example.com/opsbox_my_plugin

go 1.21
